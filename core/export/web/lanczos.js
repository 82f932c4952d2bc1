// Pillow's Image.resize with LANCZOS, digit by digit: its src/libImaging/Resample.c. Pure functions. Pillow 13 goes
// down first where that is faster, for example where only the height shrinks: then bytes differ by 1.

const LOBES = 3, DIGITS = 22; // binary digits of the weights

const sinc = (x) => (x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI));
const lanczos = (x) => (x >= -LOBES && x < LOBES ? sinc(x) * sinc(x / LOBES) : 0);

/** For each new pixel the first old one, their number, and their weights, `most` a pixel. */
function weighted(source, target) {
  const scale = source / target, stretch = Math.max(1, scale), support = LOBES * stretch;
  const most = 2 * Math.ceil(support) + 1, first = new Int32Array(target), count = new Int32Array(target);
  const weights = new Int32Array(target * most);
  for (let i = 0; i < target; i++) {
    const centre = (i + 0.5) * scale, low = Math.max(0, Math.trunc(centre - support + 0.5));
    const high = Math.min(source, Math.trunc(centre + support + 0.5));
    const values = Array.from({ length: high - low }, (_, k) => lanczos((k + low - centre + 0.5) / stretch));
    const sum = values.reduce((all, value) => all + value, 0);
    values.forEach((value, k) => {
      const scaled = value / sum * 2 ** DIGITS;
      weights[i * most + k] = Math.trunc(scaled + (scaled < 0 ? -0.5 : 0.5));
    });
    first[i] = low;
    count[i] = high - low;
  }
  return { first, count, weights, most };
}

/** One pass along lines of pixels. `from` and `to`: bytes, how many of them a line's pixels are `apart`, and how
 * many are `between` two lines. */
function along(from, to, lines, { first, count, weights, most }) {
  for (let line = 0; line < lines; line++) {
    for (let i = 0; i < first.length; i++) {
      let red = 1 << (DIGITS - 1), green = red, blue = red, at = line * from.between + first[i] * from.apart;
      for (let k = i * most, end = k + count[i]; k < end; k++, at += from.apart) {
        red += from.bytes[at] * weights[k];
        green += from.bytes[at + 1] * weights[k];
        blue += from.bytes[at + 2] * weights[k];
      }
      const place = line * to.between + i * to.apart;
      to.bytes[place] = red >> DIGITS;
      to.bytes[place + 1] = green >> DIGITS;
      to.bytes[place + 2] = blue >> DIGITS;
    }
  }
}

/** RGBA pixels at another [height, width], as RGB bytes. */
export function stretched(rgba, height, width, [rows, columns]) {
  const narrow = new Uint8ClampedArray(height * columns * 3), rgb = new Uint8ClampedArray(rows * columns * 3);
  const within = { bytes: narrow, apart: 3, between: 3 * columns };
  along({ bytes: rgba, apart: 4, between: 4 * width }, within, height, weighted(width, columns));
  const down = { apart: 3 * columns, between: 3 };
  along({ bytes: narrow, ...down }, { bytes: rgb, ...down }, columns, weighted(height, rows));
  return rgb;
}

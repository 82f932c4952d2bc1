/* What the two canvases share, put before their own code by component.py: how a brush, a polygon and a PNG become pixels of a mask, one byte each, so that nothing is ever half painted; and how a photo is placed in its frame. */
const picture = (url) => new Promise((done, fail) => {
  const image = new Image(); image.onload = () => done(image); image.onerror = fail; image.src = url;
});

// The grey values of a picture drawn at this size, from its red channel.
const valuesOf = (image, width, height) => {
  const flat = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  flat.imageSmoothingEnabled = false;
  flat.drawImage(image, 0, 0, width, height);
  const pixels = flat.getImageData(0, 0, width, height).data, values = new Uint8Array(width * height);
  for (let i = 0; i < values.length; i++) values[i] = pixels[4 * i];
  return values;
};

// Values as a grey PNG, a data URL.
const greyPng = async (values, width, height) => {
  const flat = new OffscreenCanvas(width, height), image = new ImageData(width, height);
  for (let i = 0; i < values.length; i++) {
    image.data[4 * i] = image.data[4 * i + 1] = image.data[4 * i + 2] = values[i]; image.data[4 * i + 3] = 255;
  }
  flat.getContext("2d").putImageData(image, 0, 0);
  const blob = await flat.convertToBlob({ type: "image/png" });
  return new Promise((done) => { const r = new FileReader(); r.onload = () => done(r.result); r.readAsDataURL(blob); });
};

const brushRadius = (size, width, height) => Math.max(0.5, (size ** 1.6) / 1600 * Math.max(width, height) / 4);

// A disc: all pixels whose centre is within the radius, and the one that is pointed at.
const paintDisc = ({ mask, width, height }, x, y, r, value) => {
  const y0 = Math.max(0, Math.ceil(y - r - 0.5)), y1 = Math.min(height - 1, Math.floor(y + r - 0.5));
  for (let row = y0; row <= y1; row++) {
    const half = Math.sqrt(Math.max(0, r * r - (row + 0.5 - y) ** 2));
    const x0 = Math.max(0, Math.ceil(x - half - 0.5)), x1 = Math.min(width - 1, Math.floor(x + half - 0.5));
    if (x1 >= x0) mask.fill(value, row * width + x0, row * width + x1 + 1);
  }
  const px = Math.floor(x), py = Math.floor(y);
  if (px >= 0 && py >= 0 && px < width && py < height) mask[py * width + px] = value;
};

// Discs from one point to another; returns the rectangle that may have changed: left, top, width, height.
const paintLine = (s, [x0, y0], [x1, y1], r, value) => {
  const steps = Math.max(1, Math.ceil(Math.hypot(x1 - x0, y1 - y0) / Math.max(0.5, r / 3)));
  for (let i = 0; i <= steps; i++) paintDisc(s, x0 + (x1 - x0) * i / steps, y0 + (y1 - y0) * i / steps, r, value);
  return [Math.min(x0, x1) - r - 1, Math.min(y0, y1) - r - 1, Math.abs(x1 - x0) + 2 * r + 3, Math.abs(y1 - y0) + 2 * r + 3];
};

// The inside of a polygon, by the even-odd rule at the middle of each pixel row.
const paintPolygon = ({ mask, width, height }, corners, value) => {
  const top = Math.max(0, Math.floor(Math.min(...corners.map((p) => p[1]))));
  const bottom = Math.min(height - 1, Math.ceil(Math.max(...corners.map((p) => p[1]))));
  for (let row = top; row <= bottom; row++) {
    const y = row + 0.5, cuts = [];
    corners.forEach(([x0, y0], i) => {
      const [x1, y1] = corners[(i + 1) % corners.length];
      if ((y0 <= y) !== (y1 <= y)) cuts.push(x0 + (y - y0) / (y1 - y0) * (x1 - x0));
    });
    cuts.sort((a, b) => a - b);
    for (let i = 0; i + 1 < cuts.length; i += 2) {
      const x0 = Math.max(0, Math.ceil(cuts[i] - 0.5)), x1 = Math.min(width - 1, Math.floor(cuts[i + 1] - 0.5));
      if (x1 >= x0) mask.fill(value, row * width + x0, row * width + x1 + 1);
    }
  }
};

// The whole photo in the middle of its frame; `least` is the smallest scale that is of use.
const fitInto = (s, frame, width, height) => {
  s.scale = s.least = Math.min(frame.width / width, frame.height / height);
  s.x = (frame.width - width * s.scale) / 2;
  s.y = (frame.height - height * s.scale) / 2;
};

// Larger or smaller around a point of the frame.
const zoomAt = (s, factor, x, y) => {
  const next = Math.min(40, Math.max(s.least * 0.8, s.scale * factor));
  s.x = x - (x - s.x) * next / s.scale; s.y = y - (y - s.y) * next / s.scale; s.scale = next;
};

// A finger of two has moved from `before` to `now`: moves and zooms with the other one, whose place is kept.
const pinch = (s, before, now, other, frame) => {
  const reach = (p) => Math.hypot(p[0] - other[0], p[1] - other[1]) || 1;
  s.x += (now[0] - before[0]) / 2; s.y += (now[1] - before[1]) / 2;
  zoomAt(s, reach(now) / reach(before), (now[0] + other[0]) / 2 - frame.left, (now[1] + other[1]) / 2 - frame.top);
};

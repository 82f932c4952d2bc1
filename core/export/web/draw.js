// A frame and its mask as the picture that is shown.

const SOFTNESS = 0.15; // of the edge in probability, to both sides of the threshold, as in Python
const SUBJECT = [0, 158, 255]; // core/imaging/rendering.py
const TINT = 0.45, CLASS_TINT = 0.6;
const BLURRED_SIDE = 36; // pixels of the longer side of the background while it is blurred

const rgbOf = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

/** Opacity 0..255 of a probability, at 1024 levels. */
function opacities(threshold, most = 255) {
  return Uint8ClampedArray.from({ length: 1025 }, (_, i) =>
    most * Math.min(1, Math.max(0, (i / 1024 - threshold + SOFTNESS) / (2 * SOFTNESS))));
}

export class Drawing {
  #mask = document.createElement("canvas");
  #subject = document.createElement("canvas");
  #small = document.createElement("canvas");
  #doubled = [0, 1].map(() => document.createElement("canvas"));

  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
  }

  /** `frame`: a canvas; `found`: a result of Model; `options`: view, mirror, threshold, colour, picture, and
   * the colours of the model's classes. */
  draw(frame, found, options) {
    const { canvas, context } = this, { width, height } = frame;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    context.setTransform(options.mirror ? -1 : 1, 0, 0, 1, options.mirror ? width : 0, 0);
    context.clearRect(0, 0, width, height);
    this[`_${options.view}`](frame, found, options);
  }

  _overlay(frame, found, { threshold, colours }) {
    this.context.drawImage(frame, 0, 0);
    if (found.labels) this.#writeLabels(found, colours, 255 * CLASS_TINT);
    else this.#writeMap(found, SUBJECT, threshold, 255 * TINT);
    this.#enlarged(this.context, this.#mask);
  }

  _mask(frame, found, { threshold, colours }) {
    this.context.fillRect(0, 0, frame.width, frame.height);
    if (found.labels) this.#writeLabels(found, colours, 255);
    else this.#writeMap(found, [255, 255, 255], threshold, 255);
    this.#enlarged(this.context, this.#mask);
  }

  _cutout(frame, found, { threshold }) {
    this.context.drawImage(this.#cut(frame, found, threshold, "destination-in"), 0, 0);
  }

  _blur(frame, found, { threshold }) {
    const { width, height } = frame, small = this.#small;
    const scale = BLURRED_SIDE / Math.max(width, height);
    Object.assign(small, { width: Math.ceil(width * scale), height: Math.ceil(height * scale) });
    const context = small.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(frame, 0, 0, small.width, small.height);
    // The subject's own colour would shine around it: the background alone, several times, covers it.
    const around = this.#cut(frame, found, threshold, "destination-out");
    for (let i = 0; i < 4; i++) context.drawImage(around, 0, 0, small.width, small.height);
    this.#enlarged(this.context, this.#smooth(small, width));
    this._cutout(frame, found, { threshold });
  }

  /** A small picture at up to this width, doubled step by step: in one step its pixels would show as blocks. */
  #smooth(small, width) {
    let picture = small;
    for (let step = 0; 2 * picture.width < width; step++) {
      const next = this.#doubled[step % 2];
      Object.assign(next, { width: 2 * picture.width, height: 2 * picture.height });
      const context = next.getContext("2d");
      context.imageSmoothingQuality = "low"; // between neighbours
      context.drawImage(picture, 0, 0, next.width, next.height);
      picture = next;
    }
    return picture;
  }

  _background(frame, found, { threshold, colour, picture, mirror }) {
    const { context } = this, { width, height } = frame;
    context.fillStyle = colour;
    context.fillRect(0, 0, width, height);
    if (picture) {
      const scale = Math.max(width / picture.width, height / picture.height);
      const [w, h] = [picture.width * scale, picture.height * scale];
      context.save();
      if (mirror) context.transform(-1, 0, 0, 1, width, 0); // writing stays readable
      context.drawImage(picture, (width - w) / 2, (height - h) / 2, w, h);
      context.restore();
    }
    this._cutout(frame, found, { threshold });
  }

  /** The frame, kept ("destination-in") or removed ("destination-out") where the mask is. */
  #cut(frame, found, threshold, how) {
    const subject = this.#subject, context = subject.getContext("2d");
    if (subject.width !== frame.width || subject.height !== frame.height) {
      Object.assign(subject, { width: frame.width, height: frame.height });
    }
    context.globalCompositeOperation = "copy";
    context.drawImage(frame, 0, 0);
    this.#writeMap(found, [0, 0, 0], threshold, 255);
    context.globalCompositeOperation = how;
    this.#enlarged(context, this.#mask);
    return subject;
  }

  #enlarged(context, picture) {
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = "medium";
    const target = context === this.context ? this.canvas : this.#subject;
    context.drawImage(picture, 0, 0, target.width, target.height);
  }

  #writeMap({ map, width, height }, [red, green, blue], threshold, most) {
    const opacity = opacities(threshold, most);
    this.#write(width, height, (pixels) => {
      for (let i = 0, to = 0; i < map.length; i++, to += 4) {
        pixels[to] = red; pixels[to + 1] = green; pixels[to + 2] = blue;
        pixels[to + 3] = opacity[map[i] * 1024 | 0];
      }
    });
  }

  #writeLabels({ labels, width, height, isMultilabel }, colours, opacity) {
    const table = isMultilabel ? mixtures(colours) : colours.map(rgbOf);
    this.#write(width, height, (pixels) => {
      for (let i = 0, to = 0; i < labels.length; i++, to += 4) {
        const colour = table[labels[i]];
        if (!colour) continue; // of several labels, none
        pixels[to] = colour[0]; pixels[to + 1] = colour[1]; pixels[to + 2] = colour[2];
        pixels[to + 3] = opacity;
      }
    });
  }

  #write(width, height, fill) {
    Object.assign(this.#mask, { width, height });
    const context = this.#mask.getContext("2d", { willReadFrequently: true });
    const picture = context.createImageData(width, height);
    fill(picture.data);
    context.putImageData(picture, 0, 0);
  }
}

/** The mean colour of each set of labels, by its bits. */
function mixtures(colours) {
  const table = [null];
  for (let bits = 1; bits < 1 << colours.length; bits++) {
    const present = colours.filter((_, k) => bits >> k & 1).map(rgbOf);
    table.push([0, 1, 2].map((c) => present.reduce((sum, rgb) => sum + rgb[c], 0) / present.length));
  }
  return table;
}

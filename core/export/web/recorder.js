// Pictures and videos of what is shown, saved to this device.

import { Failure } from "./words.js";

const TYPES = ["video/mp4;codecs=avc1.42E01E", "video/webm;codecs=vp9", "video/webm;codecs=vp8", "video/webm"];
const CLIP_RATE = 25; // frames a second of a whole clip
const LONGEST = 1e6; // seconds

export function save(blob, name) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

export async function snapshot(canvas, name) {
  save(await new Promise((resolve) => canvas.toBlob(resolve, "image/png")), `${name}.png`);
}

/** Records a canvas. `rate`: frames a second, or 0 for those that are asked for by `frame`. */
export class Recording {
  #parts = [];

  constructor(canvas, rate) {
    const type = globalThis.MediaRecorder && TYPES.find((wanted) => MediaRecorder.isTypeSupported(wanted));
    if (!type || !canvas.captureStream) throw new Failure("no-recording");
    this.stream = canvas.captureStream(rate);
    this.recorder = new MediaRecorder(this.stream, { mimeType: type, videoBitsPerSecond: 6e6 });
    this.recorder.ondataavailable = ({ data }) => this.#parts.push(data);
    this.recorder.start(1000);
  }

  /** Take the picture as it is now. Firefox has this on the stream, the others on its track. */
  frame() {
    const [track] = this.stream.getVideoTracks();
    (track.requestFrame ? track : this.stream).requestFrame();
  }

  /** End it; returns the video, a Blob. */
  async end() {
    if (this.recorder.state !== "inactive") { // it ends by itself where the browser fails
      const ended = new Promise((resolve) => { this.recorder.onstop = resolve; });
      this.recorder.stop();
      await ended;
    }
    this.stream.getTracks().forEach((track) => track.stop());
    return new Blob(this.#parts, { type: this.recorder.mimeType });
  }
}

export const ending = (blob) => (blob.type.startsWith("video/mp4") ? "mp4" : "webm");

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));

async function seek(video, seconds) {
  const there = new Promise((resolve) => {
    video.onseeked = video.onerror = video.onemptied = resolve; // or nothing would follow a file that was closed
  });
  video.currentTime = seconds;
  await there;
  if (video.error) throw new Failure("no-video", video.error.message);
}

/** In seconds. Recordings of browsers do not say how long they are: their end is looked for. */
async function duration(video) {
  if (!Number.isFinite(video.duration)) await seek(video, LONGEST);
  return Number.isFinite(video.duration) ? video.duration : video.currentTime;
}

/**
 * The whole video, frame by frame; returns a Blob, or null if `isCancelled` says so on the way. `show` draws the
 * current frame. It ends too if the video is closed. The recorder runs only for each frame's own duration, so the
 * speed of the model does not matter.
 */
export async function wholeClip(video, canvas, show, onProgress, isCancelled) {
  video.pause();
  const length = await duration(video), frames = Math.max(1, Math.floor(length * CLIP_RATE));
  await seek(video, 0);
  if (isCancelled()) return null;
  await show();
  const recording = new Recording(canvas, 0);
  recording.recorder.pause();
  let recorded = 0, made = null; // milliseconds, and the video
  try {
    for (let i = 0; i < frames && !isCancelled(); i++) {
      await seek(video, Math.min(length, (i + 0.5) / CLIP_RATE));
      if (isCancelled()) break;
      await show();
      const start = performance.now();
      recording.recorder.resume();
      recording.frame();
      await pause((i + 1) * 1000 / CLIP_RATE - recorded);
      recording.recorder.pause();
      recorded += performance.now() - start;
      onProgress((i + 1) / frames);
    }
  } finally {
    made = await recording.end();
  }
  return isCancelled() ? null : made;
}

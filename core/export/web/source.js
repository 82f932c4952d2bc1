// Frames from a camera or a video file.

import { Failure } from "./words.js";

const MOST_SIDE = 1280; // pixels of the longer side that are read of a frame
const CAMERA_FAILURES = {
  NotAllowedError: "no-camera-access", SecurityError: "no-camera-access", NotFoundError: "no-camera",
  OverconstrainedError: "no-camera", NotReadableError: "camera-busy", AbortError: "camera-busy",
};

export class Source {
  #video = Object.assign(document.createElement("video"), { muted: true, playsInline: true, loop: true });
  #stream = null;
  #url = "";
  #opened = 0; // sources asked for so far: of two that overlap, the later one stays
  #canvases = [0, 1].map(() => document.createElement("canvas")); // one is drawn while the other is read

  get isCamera() { return Boolean(this.#stream); }
  get isOpen() { return Boolean(this.#stream || this.#url); }
  get video() { return this.#video; }

  /** `wanted`: further constraints, such as a deviceId. Resolves to whether it is open: another source may have
   * been asked for meanwhile. Rejects with a Failure. */
  async openCamera(wanted = { facingMode: "user" }) {
    const mine = this.close();
    if (!navigator.mediaDevices?.getUserMedia) throw new Failure(isSecureContext ? "no-camera" : "insecure");
    const video = { width: { ideal: 640 }, height: { ideal: 480 }, ...wanted };
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video, audio: false });
    } catch (error) {
      throw new Failure(CAMERA_FAILURES[error.name] ?? "no-camera", String(error));
    }
    if (mine !== this.#opened) { // nobody would turn this one off
      stream.getTracks().forEach((track) => track.stop());
      return false;
    }
    this.#stream = stream;
    this.#video.srcObject = stream;
    return this.#play(mine, "camera-busy");
  }

  /** Whether it plays; a Failure of this kind if it cannot. */
  async #play(mine, kind) {
    try {
      await this.#video.play();
    } catch (error) {
      if (mine === this.#opened) throw new Failure(kind, String(error));
    }
    return mine === this.#opened;
  }

  /** What `openCamera` needs to open the same camera again. */
  get camera() {
    const deviceId = this.#stream?.getVideoTracks()[0].getSettings().deviceId;
    return deviceId ? { deviceId: { exact: deviceId } } : undefined;
  }

  /** The next camera of this device, such as a phone's other one. */
  async switchCamera() {
    const devices = (await navigator.mediaDevices.enumerateDevices()).filter((d) => d.kind === "videoinput");
    const { deviceId, facingMode } = this.#stream.getVideoTracks()[0].getSettings();
    if (facingMode) return this.openCamera({ facingMode: facingMode === "user" ? "environment" : "user" });
    const place = devices.findIndex((d) => d.deviceId === deviceId);
    return this.openCamera({ deviceId: { exact: devices[(place + 1) % devices.length].deviceId } });
  }

  async countCameras() {
    const devices = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    return devices.filter((d) => d.kind === "videoinput").length;
  }

  /** Whether the picture should look like a mirror: a camera that faces the person, or a laptop's. */
  get facesUser() {
    return this.isCamera && this.#stream.getVideoTracks()[0].getSettings().facingMode !== "environment";
  }

  /** As openCamera. */
  async openFile(file) {
    const mine = this.close();
    this.#url = URL.createObjectURL(file);
    this.#video.src = this.#url;
    const plays = await this.#play(mine, "no-video");
    if (plays && !this.#video.videoWidth) throw new Failure("no-video", "sound alone");
    return plays;
  }

  /** Stop, and turn the camera's light off. Returns the number of the next source. */
  close() {
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#stream = null;
    this.#video.pause();
    this.#video.srcObject = null;
    if (this.#url) {
      this.#video.removeAttribute("src");
      this.#video.load();
      URL.revokeObjectURL(this.#url);
    }
    this.#url = "";
    return ++this.#opened;
  }

  /** The current frame: a canvas that stays as it is until the call after the next, and its pixels. Null where
   * there is none yet. */
  grab() {
    const { videoWidth, videoHeight } = this.#video;
    if (!videoWidth || this.#video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return null;
    const canvas = this.#canvases.reverse()[0];
    const scale = Math.min(1, MOST_SIDE / Math.max(videoWidth, videoHeight));
    const [width, height] = [Math.round(videoWidth * scale), Math.round(videoHeight * scale)];
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(this.#video, 0, 0, width, height);
    return { canvas, pixels: context.getImageData(0, 0, width, height) };
  }
}

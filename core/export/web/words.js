// What went wrong, in one sentence that says what to do.

const SENTENCES = {
  "no-camera-access": "The camera is blocked for this page: allow it in the browser's address bar, then start it again.",
  "no-camera": "This device has no camera that the browser can use: open a video file instead.",
  "camera-busy": "Another program uses the camera: close it there, then start it again.",
  "insecure": "Browsers open the camera only for pages over HTTPS or on localhost: open this page by an https:// address, or open a video file.",
  "no-video": "This browser cannot play the file as a video: choose an MP4 or WebM file.",
  "no-picture": "This browser cannot read the file as a picture: choose a JPEG, PNG or WebP file.",
  "no-wasm": "This browser cannot run models, because WebAssembly with SIMD is missing or switched off: use a current Chrome, Edge, Firefox or Safari.",
  "no-worker": "This browser cannot run models in the background: use a current Chrome, Edge, Firefox or Safari.",
  "no-runtime": "ONNX Runtime Web could not be loaded: connect to the internet, or run `python -m core web-runtime` once on the machine that serves this page.",
  "no-about": "The description of the model could not be loaded: check the connection, then reload the page.",
  "no-model": "The model could not be downloaded: check the connection, then reload the page.",
  "too-large": "The model is too large for the memory of this browser: use its int8 version, or a model with a smaller encoder.",
  "no-session": "The browser could not run the model: reload the page, or try another browser.",
  "no-recording": "This browser cannot record the picture as a video: use a current Chrome, Edge, Firefox or Safari.",
};

/** A message for the person at the page; `kind` is a key of SENTENCES, `detail` is for developers. */
export class Failure extends Error {
  constructor(kind, detail = "") {
    super(detail || kind);
    this.kind = kind;
  }
}

export function sentence(error) {
  return SENTENCES[error instanceof Failure ? error.kind : "no-session"];
}

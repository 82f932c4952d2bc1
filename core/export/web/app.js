// The page: its controls, and the loop from frame to picture.

import { Drawing } from "./draw.js";
import { Model } from "./model.js";
import { Recording, ending, save, snapshot, wholeClip } from "./recorder.js";
import { Settings } from "./settings.js";
import { Source } from "./source.js";
import { Failure, sentence } from "./words.js";
import { startOffline } from "./offline.js";

const element = (id) => document.getElementById(id);
const source = new Source(), drawing = new Drawing(element("picture")), settings = new Settings();
const model = new Model((share) => showProgress(share));
let about = null, version = "", refreshMs = 0, running = 0, recording = null, cancelled = false;
let resume = null; // the camera that is opened again once the page is in sight

function say(words, failed = false) {
  element("message").textContent = words;
  element("message").classList.toggle("failed", failed);
}

function showProgress(share) {
  element("progress").hidden = share === null || share >= 1;
  if (share !== null) element("progress").value = share;
}

/** Run an action; what goes wrong is shown in a sentence. */
async function attempt(work) {
  try {
    await work();
  } catch (error) {
    console.warn(error);
    say(sentence(error), true);
  } finally {
    showProgress(null);
  }
}

async function described() {
  try {
    const response = await fetch("model.json", { cache: "no-store" });
    if (response.ok) return await response.json();
  } catch { /* the same sentence as for a refusal */ }
  throw new Failure("no-about");
}

/** Read what the model is, open it if it is another than before, and come back if it may change. */
async function refresh() {
  let next;
  try {
    next = await described();
  } catch (error) {
    if (!refreshMs) throw error;
    if (!version) say(sentence(error), true);
    setTimeout(() => attempt(refresh), refreshMs); // the server may be back then
    return;
  }
  document.title = next.name;
  document.querySelector("h1").textContent = next.name;
  element("purpose").textContent = next.purpose ?? "";
  refreshMs = (next.refresh_seconds ?? 0) * 1000;
  try {
    await take(next);
  } finally {
    if (refreshMs) setTimeout(() => attempt(refresh), refreshMs);
  }
}

async function take(next) {
  if (next.state !== "ready") {
    if (!version) say(next.message, next.state === "failed");
  } else if (next.version !== version) {
    const first = !version;
    about = next;
    settings.show(about, first);
    await openModel().catch((error) => {
      if (error.kind !== "no-model") version = next.version; // it would fail again
      throw error;
    });
    version = next.version;
    if (first || !source.isOpen) say(first ? "Start the camera, or open a video." : about.message);
    else if (about.message) note(about.message);
  }
}

async function openModel() {
  await model.open(about, settings.file);
  element("camera").disabled = element("file").disabled = false;
}

function note(words) {
  say(words);
  setTimeout(() => { if (element("message").textContent === words) say(""); }, 4000);
}

/** From frame to picture until the source is closed; a new call ends the one before. */
async function loop() {
  const mine = ++running, times = [];
  let frame = await firstFrame(mine), asked = frame && ask(frame);
  while (asked) {
    const found = await asked, shown = frame;
    if (mine !== running) return;
    frame = source.grab(); // the model works on it while the last one is drawn
    asked = frame && ask(frame);
    show(shown, found);
    times.push(performance.now());
    if (times.length > 20) times.shift();
    showFigures(times, found.ms);
    await new Promise((resolve) => requestAnimationFrame(resolve));
  }
}

async function firstFrame(mine) {
  for (;;) {
    const frame = source.grab();
    if (frame || mine !== running) return frame;
    await new Promise((resolve) => requestAnimationFrame(resolve));
  }
}

const ask = (frame) => model.run(frame.pixels, settings.forModel);

function show(frame, found) {
  found.isMultilabel = about.task === "multilabel";
  drawing.draw(frame.canvas, found, settings.forDrawing);
}

function showFigures(times, ms) {
  const rate = times.length > 1 ? (times.length - 1) * 1000 / (times.at(-1) - times[0]) : 0;
  element("figures").textContent =
    `${rate.toFixed(1)} frames/s · ${Math.round(ms.network)} ms network · ${Math.round(ms.other)} ms pixels · ${model.label}`;
}

async function play(open) {
  running++;
  await endRecording();
  say("");
  try {
    if (!(await open())) return;
  } catch (error) {
    stop();
    throw error;
  }
  if (document.hidden && source.isCamera) { hide(); return; }
  const isCamera = source.isCamera;
  element("stage").classList.add("playing");
  element("camera").textContent = isCamera ? "Stop the camera" : "Start the camera";
  element("camera").classList.toggle("primary", !isCamera);
  for (const id of ["snapshot", "record"]) element(id).hidden = false;
  element("clip").hidden = isCamera;
  element("switch").hidden = !isCamera || (await source.countCameras()) < 2;
  settings.mirror = source.facesUser;
  attempt(loop);
}

function stop() {
  running++;
  attempt(endRecording);
  source.close();
  element("stage").classList.remove("playing");
  element("camera").textContent = "Start the camera";
  element("camera").classList.add("primary");
  for (const id of ["snapshot", "record", "clip", "switch"]) element(id).hidden = true;
  element("figures").textContent = "";
}

function setRecording(next) {
  recording = next;
  element("record").setAttribute("aria-pressed", String(Boolean(recording)));
  element("record").textContent = recording ? "Stop and save" : "Record";
}

async function endRecording() {
  if (!recording) return;
  const ended = recording;
  setRecording(null);
  saveVideo(await ended.end());
}

const saveVideo = (made) => save(made, `${about.file_name}.${ending(made)}`);
const toggleRecording = () => (recording ? endRecording() : setRecording(new Recording(drawing.canvas, 30)));

async function saveClip() {
  if (element("clip").getAttribute("aria-pressed") === "true") { cancelled = true; return; }
  await endRecording();
  cancelled = false;
  const mine = ++running; // ends the loop
  const isOver = () => cancelled || mine !== running; // by another source
  const busy = (is) => {
    element("clip").setAttribute("aria-pressed", String(is));
    element("clip").textContent = is ? "Cancel" : "Save the whole video";
  };
  busy(true);
  say("Segmenting every frame …");
  try {
    const frame = async () => {
      const grabbed = source.grab();
      show(grabbed, await ask(grabbed));
    };
    const made = await wholeClip(source.video, drawing.canvas, frame, showProgress, isOver);
    if (made) saveVideo(made);
    if (mine === running) say("");
  } finally {
    busy(false);
    if (mine === running) {
      source.video.play().catch(() => {});
      attempt(loop);
    }
  }
}

const on = (id, event, work) => element(id).addEventListener(event, (e) => attempt(() => work(e)));
on("camera", "click", () => (source.isCamera ? stop() : play(() => source.openCamera())));
on("switch", "click", () => play(() => source.switchCamera()));
on("file", "change", ({ target }) => target.files[0] && play(() => source.openFile(target.files[0])));
on("file", "click", ({ target }) => { target.value = ""; }); // the same file may be chosen again
on("backdrop", "change", ({ target }) => target.files[0] && settings.chooseBackdrop(target.files[0]));
on("snapshot", "click", () => snapshot(drawing.canvas, about.file_name));
on("record", "click", toggleRecording);
on("clip", "click", saveClip);
on("precision", "change", openModel);
// The camera's light goes off while the page is out of sight, and when it is left.
function hide() {
  resume = { camera: source.camera };
  stop();
}
document.addEventListener("visibilitychange", () => attempt(async () => {
  if (document.hidden && source.isCamera) hide();
  else if (!document.hidden && resume) {
    const { camera } = resume;
    resume = null;
    await play(() => source.openCamera(camera));
  }
}));
addEventListener("pagehide", () => stop());

const framed = new URLSearchParams(location.search).get("theme");
if (framed) document.documentElement.classList.add("framed", framed);
attempt(async () => {
  await startOffline();
  await refresh();
});

// What every page has. A case's own script defines leak(visit), which keeps something at
// each visit, and churn(visit), which does as much and keeps nothing.
"use strict";

const given = document.documentElement.dataset;
const leaks = "leaks" in given;
const growth = Number(given.growth); // ms
const idleAfter = Number(given.idleAfter); // ms
let visit = Number(given.visit);

// cycle is one visit.
async function cycle() {
  visit++;
  await (leaks ? leak(visit) : churn(visit));
  document.getElementById("visit").firstChild.data = visit;
  document.documentElement.dataset.done = "";
}

// again leaves the document; what waits for the next one to be done is not misled by
// this one.
function again(go) {
  delete document.documentElement.dataset.done;
  go();
}

// once is a name of four characters that no visit of the last half hour has had, in this document or another: what
// is stored under it comes in addition, also when the page was opened anew.
function once() {
  return (Date.now() % 36 ** 4).toString(36).padStart(4, "0");
}

// touched is memory that a process really has: pages that nobody wrote to do not count.
function touched(bytes) {
  return new Uint8Array(bytes).fill(1);
}

// noise is bytes that no compression makes smaller, others for each seed.
function noise(bytes, seed) {
  const words = new Uint32Array(bytes / 4);
  let x = (seed + 1) * 2654435761 >>> 0;
  for (let i = 0; i < words.length; i++) {
    x ^= x << 13; x ^= x >>> 17; x ^= x << 5;
    words[i] = x;
  }
  return new Uint8Array(words.buffer);
}

// happened is the next event of a kind; nothing listens any more afterwards.
function happened(target, kind) {
  const end = new AbortController();
  return new Promise((resolve, reject) => {
    target.addEventListener(kind, resolve, {signal: end.signal});
    target.addEventListener("error", () => reject(new Error("no " + kind)), {signal: end.signal});
  }).finally(() => end.abort());
}

// asked sends a message to a worker and waits for its answer.
function asked(worker, message, transfer = []) {
  const channel = new MessageChannel();
  return new Promise(resolve => {
    channel.port1.onmessage = answer => {
      channel.port1.close();
      resolve(answer.data);
    };
    worker.postMessage(message, [channel.port2, ...transfer]);
  });
}

// frame is an element that shows an address, once it has loaded.
async function frame(address) {
  const element = document.createElement("iframe");
  element.src = address;
  const loaded = happened(element, "load");
  document.getElementById("stage").append(element);
  await loaded;
  return element;
}

// elsewhere is the address of this case's frame on another host of this server.
function elsewhere(host) {
  return `http://${host}:${location.port}${new URL("frame", location.href).pathname}`;
}

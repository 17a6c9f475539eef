// Shared workers of a new name at each visit: they live while this page does.
"use strict";

const kept = [];

async function start(visit, message) {
  const worker = new SharedWorker("shared-worker.js", {name: "visit " + visit});
  const answered = new Promise(resolve => worker.port.onmessage = resolve);
  worker.port.postMessage(message);
  await answered;
  return worker;
}

async function leak(visit) {
  kept.push(await start(visit, "stay"));
}

async function churn(visit) {
  (await start(visit, "close")).port.close();
}

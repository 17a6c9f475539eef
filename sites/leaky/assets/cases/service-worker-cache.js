// A service worker caches every answer, and every answer has an address of its own.
"use strict";

async function ask(number) {
  await navigator.serviceWorker.register("service-worker.js", {scope: "./"});
  await navigator.serviceWorker.ready;
  if (!navigator.serviceWorker.controller) await happened(navigator.serviceWorker, "controllerchange");
  await (await fetch(`bytes/${number}?size=${1 << 20}`)).arrayBuffer();
}

function leak() {
  return ask(parseInt(once(), 36));
}

function churn() {
  return ask(0);
}

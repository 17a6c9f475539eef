// A service worker keeps a buffer for each visit; the pages themselves keep nothing.
"use strict";

async function tell(keep) {
  await navigator.serviceWorker.register("service-worker.js", {scope: "./"});
  const {active} = await navigator.serviceWorker.ready;
  return asked(active, {keep, bytes: 1 << 20});
}

function leak() {
  return tell(true);
}

function churn() {
  return tell(false);
}

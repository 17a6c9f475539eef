// One worker whose heap grows: the page's own does not show it.
"use strict";

const worker = new Worker("worker.js");

function leak() {
  return asked(worker, {keep: true, doubles: 12800}); // 8 bytes each: 100 KiB
}

function churn() {
  return asked(worker, {keep: false, doubles: 12800});
}

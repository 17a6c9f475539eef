// A timer that nobody stops, and the data that its function uses.
"use strict";

function start() {
  const data = new Array(6400).fill(1.5); // 8 bytes each: 50 KiB
  return setInterval(() => data.reverse(), 60_000);
}

function leak() {
  start();
}

function churn() {
  clearInterval(start());
}

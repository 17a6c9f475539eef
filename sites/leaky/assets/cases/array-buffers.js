// Array buffers that are written to and kept.
"use strict";

const kept = [];

function leak() {
  kept.push(touched(1 << 20));
}

function churn() {
  kept[0] = touched(1 << 20);
}

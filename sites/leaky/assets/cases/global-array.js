// A global array that every visit adds to and nothing ever takes from.
"use strict";

const kept = [];

function make() {
  return new Array(12800).fill(1.5); // 8 bytes each: 100 KiB
}

function leak() {
  kept.push(make());
}

function churn() {
  kept[0] = make();
}

// A buffer for each visit, and two more each time that the page finds its state gone and restores it:
// whoever empties localStorage makes this page grow faster.
"use strict";

const kept = [];

function restored() {
  if (localStorage.getItem("state") !== null) {
    return 0;
  }
  localStorage.setItem("state", "here");
  return 2;
}

function leak() {
  for (let more = restored(); more >= 0; more--) {
    kept.push(touched(1 << 20));
  }
}

function churn() {
  restored();
  kept[0] = touched(1 << 20);
}

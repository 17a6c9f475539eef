// Frames that are added at each visit and never removed.
"use strict";

function leak() {
  return frame("frame");
}

async function churn() {
  (await frame("frame")).remove();
}

// Frames of another site: of localhost in a page of 127.0.0.1, and the reverse.
"use strict";

const other = location.hostname === "localhost" ? "127.0.0.1" : "localhost";

function leak() {
  return frame(elsewhere(other));
}

async function churn() {
  (await frame(elsewhere(other))).remove();
}

// A page that does nothing wrong while it is looked at: some time after each visit, when
// nobody does, it fetches ahead and keeps what came.
"use strict";

const kept = [];

function leak() {
  setTimeout(() => kept.push(touched(1 << 20)), idleAfter);
}

function churn() {
  setTimeout(() => touched(1 << 20), idleAfter);
}

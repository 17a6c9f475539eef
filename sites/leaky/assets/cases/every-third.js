// Only every third visit keeps something.
"use strict";

const kept = [];

function leak(visit) {
  const made = touched(3 << 20);
  if (visit % 3 === 0) kept.push(made);
}

function churn() {
  touched(3 << 20);
}

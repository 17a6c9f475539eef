// A log that is sent away, and cleared, at every eighth visit.
"use strict";

let log = [];

function churn(visit) {
  log.push(touched(1 << 20));
  if (visit % 8 === 0) log = [];
}

// A log that is sent away, and cleared, at every eighth visit.
"use strict";

let log = [];

function churn(visit) {
  if (visit % 8 === 0) log = [];
  log.push(touched(1 << 20));
}

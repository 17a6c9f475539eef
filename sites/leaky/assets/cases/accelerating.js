// Each visit keeps a little more than the one before.
"use strict";

const kept = [];

function leak(visit) {
  kept.push(touched(visit * 100_000));
}

function churn(visit) {
  kept[0] = touched(visit * 100_000);
  kept.length = 0;
}

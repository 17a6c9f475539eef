// A cache of ten entries: it grows for ten visits and then no more.
"use strict";

const cache = new Map();

function churn(visit) {
  cache.set(visit, touched(1 << 20));
  if (cache.size > 10) cache.delete(cache.keys().next().value);
}

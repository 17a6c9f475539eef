// A cache by address without a bound: each visit is a new address.
"use strict";

const cache = new Map();

function answer(visit) {
  return Array.from({length: 1000}, (_, i) => ({id: visit * 1000 + i, price: i / 7, stock: i}));
}

function leak(visit) {
  cache.set("/product/" + visit, answer(visit));
}

function churn(visit) {
  cache.clear();
  cache.set("/product/" + visit, answer(visit));
}

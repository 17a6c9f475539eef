// Many arrays, to each of which every visit adds one number. An array grows by half when
// it is full, so nothing is seen for some visits, and then a jump. Six groups were begun
// at different lengths and fill up in turns.
"use strict";

const arrays = [];
for (const [length, count] of [[14, 3000], [10, 3000], [6, 3000], [2, 3000], [24, 2000], [20, 2000]]) {
  for (let n = 0; n < count; n++) {
    const numbers = [];
    for (let i = 0; i < length; i++) numbers.push(i);
    arrays.push(numbers);
  }
}

function leak(visit) {
  for (const numbers of arrays) numbers.push(visit);
}

function churn(visit) {
  for (const numbers of arrays) {
    numbers.push(visit);
    numbers.pop();
  }
}

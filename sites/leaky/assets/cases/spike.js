// The twelfth visit needs 100 MiB for a second, and gives all of it back before it ends.
"use strict";

const steps = 20;
const size = 100 << 20;

async function churn(visit) {
  const buffer = new ArrayBuffer(0, {maxByteLength: size});
  for (let i = 1; i <= steps && visit === 12; i++) {
    buffer.resize(size / steps * i);
    new Uint8Array(buffer, size / steps * (i - 1)).fill(1);
    await new Promise(resolve => setTimeout(resolve, growth / steps));
  }
  buffer.resize(0);
}

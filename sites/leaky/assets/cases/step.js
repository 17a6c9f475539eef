// At the twelfth visit something large is loaded, once and for good.
"use strict";

let loaded = null;

function churn(visit) {
  if (visit === 12) loaded = touched(20 << 20);
}

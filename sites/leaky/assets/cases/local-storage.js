// An entry in localStorage for each visit.
"use strict";

function entry(visit) {
  return String.fromCharCode(97 + visit % 26).repeat(8 << 10);
}

function leak(visit) {
  localStorage.setItem("visit-" + once(), entry(visit)); // 10 + 8,192 characters
}

function churn(visit) {
  localStorage.setItem("visit-last", entry(visit));
}

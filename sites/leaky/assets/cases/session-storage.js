// An entry in sessionStorage for each visit: it lives as long as the tab, whatever the
// tab shows.
"use strict";

function entry(visit) {
  return String.fromCharCode(97 + visit % 26).repeat(8 << 10);
}

function leak(visit) {
  sessionStorage.setItem("visit-" + once(), entry(visit)); // 10 + 8,192 characters
}

function churn(visit) {
  sessionStorage.setItem("visit-last", entry(visit));
}

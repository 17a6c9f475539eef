// Entries of the tab's history, each with a large state: the browser process holds them.
"use strict";

function state(visit) {
  return String.fromCharCode(97 + visit % 26).repeat(1 << 20);
}

function leak(visit) {
  history.pushState(state(visit), "", "#" + visit);
}

function churn(visit) {
  history.replaceState(state(visit), "", "#" + visit);
}

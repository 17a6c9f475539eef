// A cookie that is set whenever the page is left, so that nothing grows while it is open.
"use strict";

function leak() {
  window.addEventListener("pagehide", () => document.cookie = `left-${once()}=1; max-age=86400`);
}

function churn() {
  window.addEventListener("pagehide", () => document.cookie = "left=1; max-age=86400");
}

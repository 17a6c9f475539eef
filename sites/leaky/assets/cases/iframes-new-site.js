// Frames of another site at each visit, as advertisements are. Every name below localhost
// is this machine, and a site of its own.
"use strict";

function leak(visit) {
  return frame(elsewhere(`site-${visit}.localhost`));
}

async function churn(visit) {
  (await frame(elsewhere(`site-${visit}.localhost`))).remove();
}

// SPDX-License-Identifier: MIT
// Comfort only: without it everything is there, and nothing is hidden.
"use strict";
(function () {
  var tools = document.getElementById("tools");
  if (!tools) return;
  tools.hidden = false;
  var box = document.getElementById("filter");
  var count = document.getElementById("filter-count");
  var rows = Array.prototype.slice.call(document.querySelectorAll("tr[data-name]"));
  var families = Array.prototype.slice.call(document.querySelectorAll("section[data-family]"));
  function filter() {
    var words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    function wanted(text) {
      return words.every(function (word) { return text.toLowerCase().indexOf(word) >= 0; });
    }
    rows.forEach(function (row) { row.hidden = !wanted(row.getAttribute("data-name")); });
    families.forEach(function (family) {
      family.hidden = !family.querySelector("tr[data-name]:not([hidden])");
      var link = document.querySelector('nav a[href="#' + family.id + '"]');
      if (link) link.parentNode.hidden = family.hidden;
    });
    var shown = rows.filter(function (row) { return !row.hidden; }).length;
    count.textContent = words.length ? shown + " of " + rows.length + " rows" : "";
  }
  if (box) box.addEventListener("input", filter);
  ["open", "close"].forEach(function (verb) {
    var button = document.getElementById(verb + "-all");
    if (button) button.addEventListener("click", function () {
      document.querySelectorAll("details").forEach(function (one) { one.open = verb === "open"; });
    });
  });
})();

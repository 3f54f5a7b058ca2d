document.querySelectorAll(".ecg-quiz fieldset:not([data-shuffled])").forEach(function (box) {
  box.dataset.shuffled = "yes";
  var options = Array.from(box.querySelectorAll(".option"));
  options.map(function (o) { return [Math.random(), o]; })
    .sort(function (a, b) { return a[0] - b[0]; })
    .forEach(function (pair) { box.appendChild(pair[1]); });
});

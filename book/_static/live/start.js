// The button that loads the live figure. Until it is pressed, this file is all there is.
"use strict";

(() => {
  const FILES = [
    "tensorflow/tf-core.min.js", "tensorflow/tf-layers.min.js", "tensorflow/tf-backend-cpu.min.js",
    "weights.js", "waves.js", "beat.js", "csv.js", "network.js", "paper.js", "try_it.js",
  ];
  const here = document.currentScript.src;
  const figure = document.getElementById("try-it");

  function load(element, file) {
    return new Promise((resolve, reject) => {
      element.onload = resolve;
      element.onerror = () => reject(new Error(`${file} could not be loaded`));
      document.head.append(element);
    });
  }

  async function start(button, message) {
    button.disabled = true;
    message.textContent = "Loading the network …";
    try {
      const style = Object.assign(document.createElement("link"), { rel: "stylesheet", href: new URL("live.css", here).href });
      const scripts = FILES.map((file) =>
        load(Object.assign(document.createElement("script"), { src: new URL(file, here).href, async: false }), file),
      );
      await Promise.all([load(style, "live.css"), ...scripts]);
      await ecgTryIt.start(figure);
      document.querySelectorAll(".ecg-stored").forEach((picture) => (picture.hidden = true));
    } catch (error) {
      console.warn(error);
      message.textContent = `The figure could not start: ${error.message}. The picture below shows what it does. `
        + "Reload the page to try again; a browser of 2023 or later is needed.";
    }
  }

  const button = Object.assign(document.createElement("button"), {
    type: "button", className: "btn btn-primary", textContent: "Start the network",
  });
  const message = Object.assign(document.createElement("p"), {
    textContent: "Loads 1.9 MB from this site, once. Nothing you draw or drop leaves your machine.",
  });
  message.setAttribute("role", "status");
  button.addEventListener("click", () => start(button, message));
  figure.replaceChildren(button, message);
})();

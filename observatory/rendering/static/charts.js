/* Draws the charts that pages describe in JSON. Without it the tables stand alone. */
"use strict";
(function () {
  const compact = window.matchMedia("(max-width: 40rem)");

  const size = () => (compact.matches ? 11 : 13);

  function draw(figure) {
    if (figure.dataset.drawn) return;
    figure.dataset.drawn = "yes";
    const spec = JSON.parse(figure.querySelector("script").textContent);
    const box = figure.querySelector(".chart-box");
    const layout = Object.assign({}, spec.layout, {
      font: { family: getComputedStyle(document.body).fontFamily, size: size(), color: "#1f2b38" },
      paper_bgcolor: "#ffffff",
      plot_bgcolor: "#ffffff",
      hoverlabel: { bgcolor: "#1f2b38", font: { color: "#ffffff" } },
    });
    Plotly.newPlot(box, spec.data, layout, { displayModeBar: false, responsive: true });
  }

  function start() {
    if (!window.Plotly) return;
    const figures = Array.from(document.querySelectorAll("figure.chart"));
    for (const figure of figures) figure.hidden = false;
    if (!("IntersectionObserver" in window)) {
      figures.forEach(draw);
      return;
    }
    const watcher = new IntersectionObserver(
      (entries) => entries.filter((entry) => entry.isIntersecting).forEach((entry) => draw(entry.target)),
      { rootMargin: "400px" },
    );
    figures.forEach((figure) => watcher.observe(figure));
    // A printed column is narrower than a screen's, and Plotly's drawings keep their width.
    window.addEventListener("beforeprint", () => {
      for (const figure of figures) {
        draw(figure);
        const width = figure.closest(".charts") ? 310 : 660;
        Plotly.relayout(figure.querySelector(".chart-box"), { autosize: false, width, "font.size": 10 });
      }
    });
    window.addEventListener("afterprint", () => {
      for (const figure of figures) {
        Plotly.relayout(figure.querySelector(".chart-box"), { autosize: true, width: null, "font.size": size() });
      }
    });
  }

  document.addEventListener("DOMContentLoaded", start);
})();

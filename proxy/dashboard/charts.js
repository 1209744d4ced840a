// The charts: lines over the last minutes, drawn by Chart.js, in the page's own colours.

const KEPT_MS = 5 * 60 * 1000;
const charts = [];

function colour(name) {
	return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function clock(ms) {
	return new Date(ms).toLocaleTimeString("en-GB");
}

const palette = ["replica", "primary", "pin", "session", "deny", "local"];

export class LineChart {
	// colours: {series: name of a colour}; others take the palette's in turn.
	constructor(canvas, {stacked = false, colours = {}, unit = ""} = {}) {
		this.colours = colours;
		this.stacked = stacked;
		this.chart = new window.Chart(canvas, {
			type: "line",
			data: {datasets: []},
			options: {
				animation: false,
				parsing: false,
				normalized: true,
				responsive: true,
				maintainAspectRatio: false,
				interaction: {mode: "index", intersect: false, axis: "x"},
				elements: {point: {radius: 0, hitRadius: 6}, line: {borderWidth: 1.6, tension: 0.15}},
				scales: {
					x: {type: "linear", grid: {display: false}, ticks: {maxTicksLimit: 5, maxRotation: 0, autoSkip: true, callback: clock}},
					y: {stacked, beginAtZero: true, grace: "8%", ticks: {maxTicksLimit: 5}},
				},
				plugins: {
					legend: {position: "bottom", align: "start", labels: {boxWidth: 10, boxHeight: 10, padding: 12}},
					tooltip: {callbacks: {
						title: (items) => items.length ? clock(items[0].parsed.x) : "",
						label: (item) => ` ${item.dataset.label}: ${round(item.parsed.y)}${unit}`,
					}},
				},
			},
		});
		charts.push(this);
		this.paint();
	}

	// values: {series: number or null}
	add(atMs, values) {
		const sets = this.chart.data.datasets;
		for (const name of Object.keys(values))
			if (!sets.some((set) => set.label === name)) {
				sets.push({label: name, data: sets.length ? sets[0].data.map(({x}) => ({x, y: this.stacked ? 0 : null})) : [], fill: this.stacked ? sets.length ? "-1" : "origin" : false});
				this.paint();
			}
		for (const set of sets) {
			set.data.push({x: atMs, y: values[set.label] ?? (this.stacked ? 0 : null)});
			while (set.data.length && set.data[0].x < atMs - KEPT_MS)
				set.data.shift();
		}
		const axis = this.chart.options.scales.x;
		axis.max = atMs;
		axis.min = Math.max(atMs - KEPT_MS, Math.min(...sets.map((set) => set.data[0].x), atMs - 30000));
		this.chart.update("none");
	}

	clear() {
		for (const set of this.chart.data.datasets)
			set.data.length = 0;
	}

	paint() {
		const {options, data} = this.chart, text = colour("quiet"), line = colour("line");
		options.color = text;
		options.scales.x.ticks.color = options.scales.y.ticks.color = text;
		options.scales.y.grid.color = line;
		options.scales.x.grid.borderColor = options.scales.y.grid.borderColor = line;
		options.plugins.legend.labels.color = text;
		data.datasets.forEach((set, i) => {
			const own = colour(this.colours[set.label] ?? palette[i % palette.length]);
			set.borderColor = own;
			set.backgroundColor = own + (this.stacked ? "66" : "cc");
		});
		this.chart.update("none");
	}
}

function round(n) {
	return n >= 100 ? n.toFixed(0) : n >= 1 ? n.toFixed(1) : n.toFixed(3);
}

export function paintCharts() {
	for (const chart of charts)
		chart.paint();
}

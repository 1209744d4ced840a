// The statements that took most, by the column of one's choice: the sorting is done where all of them are known.
import {$, count, duration, element, meter, replaceChanged, rowOf} from "./view.js";
import {openExplain} from "./explain.js";

const SHOWN = 50;

let order = "-time_us";
let shown = [];
let all = 1;

const columns = [
	{name: "statement", order: "text", class: "words", phone: false, cell: (s) => element("code", {title: s.text}, s.text)},
	{name: "all time", order: "time_us", cell: (s) => [duration(s.time_us), meter(s.time_us, all)]},
	{name: "count", order: "statements", cell: (s) => count(s.statements)},
	{name: "average", order: "avg_us", cell: (s) => duration(s.avg_us)},
	{name: "p99", order: "p99_us", cell: (s) => duration(s.p99_us)},
	{name: "longest", class: "more", order: "max_us", cell: (s) => duration(s.max_us)},
	{name: "in queue", class: "more", order: "queue_us", cell: (s) => duration(s.queue_us)},
	{name: "errors", order: "errors", cell: (s) => count(s.errors)},
	{name: "rows", class: "more", order: "rows_sent", cell: (s) => count(s.rows_sent + s.rows_affected)},
	{name: "servers", class: "more", order: "servers", cell: (s) => String(s.servers)},
];

function sorted(column) {
	const down = order.startsWith("-");
	return order.replace("-", "") !== column.order ? null : down ? "descending" : "ascending";
}

function sortBy(column) {
	const texts = column.order === "text";
	const first = texts ? "text" : `-${column.order}`, other = texts ? "-text" : column.order;
	order = order === first ? other : first;
	return refreshStatements();
}

function head() {
	return element("tr", {}, ...columns.map((c) => {
		const button = element("button", {type: "button"}, c.name);
		button.addEventListener("click", () => sortBy(c));
		return element("th", {class: c.class, "aria-sort": sorted(c)}, button);
	}));
}

function draw() {
	const table = $("statements"), focused = [...table.querySelectorAll("th button")].indexOf(document.activeElement);
	table.tHead.replaceChildren(head());
	if (focused >= 0)
		table.querySelectorAll("th button")[focused].focus();
	all = Math.max(...shown.map((s) => s.time_us), 1);
	const rows = shown.map((s) => {
		const row = rowOf(columns, s);
		row.tabIndex = 0;
		return row;
	});
	if (!rows.length)
		rows.push(element("tr", {}, element("td", {class: "none", colspan: columns.length}, "No statement has been counted yet.")));
	replaceChanged(table.tBodies[0], rows);
}

export async function refreshStatements() {
	const answer = await fetch(`/api/v1/statements?${new URLSearchParams({order, limit: SHOWN})}`);
	if (!answer.ok)
		return;
	shown = await answer.json();
	draw();
}

function explainAt(target) {
	const row = target.closest("tr"), s = shown[row?.sectionRowIndex];
	if (s && s.digest !== "others")
		openExplain(s.text, s.user, s.schema);
}

$("statements").tBodies[0].addEventListener("click", (event) => explainAt(event.target));
$("statements").tBodies[0].addEventListener("keydown", (event) => {
	if (event.key === "Enter")
		explainAt(event.target);
});

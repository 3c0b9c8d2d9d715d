public import CoreMetrics
import Synchronization

/// Holds the process's metrics and prints them in Prometheus' text format 0.0.4.
///
/// Its memory is bounded: a metric has at most `seriesLimit` sets of labels, the registry at most
/// `metricLimit` metrics. What comes beyond is discarded and counted in
/// `larder_metrics_discarded_total`, so that labels which follow a peer's words can't fill the memory.
/// Observations and durations fall in fixed buckets: seconds for timers and names that end in
/// `_seconds`, powers of four from 1 KiB for names that end in `_bytes`, powers of ten otherwise.
public final class PrometheusRegistry: MetricsFactory {
  private struct Metric {
    let kind: String
    var series: [String: any PrometheusSeries] = [:]
  }

  private struct State {
    var metrics: [String: Metric] = [:]
    var help: [String: String] = [:]
    var discarded: UInt64 = 0
  }

  /// The most sets of labels that one metric may have.
  public let seriesLimit: Int
  /// The most metrics that the registry holds.
  public let metricLimit: Int

  private let state = Mutex(State())
  private static let discard = DiscardedSeries()
  static let secondBounds: [Double] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300,
  ]
  static let byteBounds: [Double] = (5...15).map { Double(UInt64(1) << UInt64($0 * 2)) }
  static let countBounds: [Double] = [1, 3, 10, 30, 100, 300, 1_000, 10_000, 100_000, 1_000_000]

  /// An empty registry with these bounds.
  public init(seriesLimit: Int = 64, metricLimit: Int = 512) {
    self.seriesLimit = seriesLimit
    self.metricLimit = metricLimit
  }

  /// Sets the `HELP` line of a metric, said in one sentence.
  public func describe(_ label: String, _ help: String) {
    state.withLock { $0.help[PrometheusText.metricName(label)] = help }
  }

  /// All metrics in text format 0.0.4, sorted by name, the samples of one metric together.
  public func exposition() -> String {
    let (metrics, help, discarded) = state.withLock { ($0.metrics, $0.help, $0.discarded) }
    var out = ""
    for name in metrics.keys.sorted() {
      guard let metric = metrics[name], !metric.series.isEmpty else { continue }
      if let text = help[name] {
        var escaped = ""
        for scalar in text.unicodeScalars {
          switch scalar {
          case "\\": escaped += "\\\\"
          case "\n": escaped += "\\n"
          default: escaped.unicodeScalars.append(scalar)
          }
        }
        out += "# HELP \(name) \(escaped)\n"
      }
      out += "# TYPE \(name) \(metric.kind)\n"
      for labels in metric.series.keys.sorted() {
        out += metric.series[labels]?.text(name: name, labels: labels) ?? ""
      }
    }
    let own = "larder_metrics_discarded_total"
    out += "# HELP \(own) Series refused because a bound was reached or a name changed its type.\n"
    out += "# TYPE \(own) counter\n\(own) \(discarded)\n"
    return out
  }

  /// The counter of this name and these labels.
  public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
    find(label, dimensions) { PrometheusCounter() } ?? Self.discard
  }

  /// The counter of this name and these labels.
  public func makeFloatingPointCounter(
    label: String, dimensions: [(String, String)]
  ) -> any FloatingPointCounterHandler {
    find(label, dimensions) { PrometheusCounter() } ?? Self.discard
  }

  /// The gauge of this name and these labels.
  public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
    find(label, dimensions) { PrometheusGauge() } ?? Self.discard
  }

  /// The histogram of this name and these labels, or a gauge unless it aggregates.
  public func makeRecorder(
    label: String, dimensions: [(String, String)], aggregate: Bool
  ) -> any RecorderHandler {
    guard aggregate else { return find(label, dimensions) { PrometheusGauge() } ?? Self.discard }
    var bounds = Self.countBounds
    if label.hasSuffix("_seconds") { bounds = Self.secondBounds }
    if label.hasSuffix("_bytes") { bounds = Self.byteBounds }
    return find(label, dimensions) { PrometheusHistogram(bounds: bounds) } ?? Self.discard
  }

  /// The histogram, in seconds, of this name and these labels.
  public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
    find(label, dimensions) { PrometheusHistogram(bounds: Self.secondBounds) } ?? Self.discard
  }

  /// Forgets a counter.
  public func destroyCounter(_ handler: any CounterHandler) { forget(handler) }
  /// Forgets a counter.
  public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {
    forget(handler)
  }
  /// Forgets a gauge.
  public func destroyMeter(_ handler: any MeterHandler) { forget(handler) }
  /// Forgets a histogram or gauge.
  public func destroyRecorder(_ handler: any RecorderHandler) { forget(handler) }
  /// Forgets a histogram.
  public func destroyTimer(_ handler: any TimerHandler) { forget(handler) }

  /// The series of a name and labels, made if it is new; nil if there is no room or another type.
  private func find<Series: PrometheusSeries>(
    _ label: String, _ dimensions: [(String, String)], make: () -> Series
  ) -> Series? {
    let name = PrometheusText.metricName(label)
    let labels = PrometheusText.labels(dimensions)
    return state.withLock { state -> Series? in
      if let metric = state.metrics[name] {
        if let known = metric.series[labels] as? Series { return known }
        guard metric.kind == Series.kind, metric.series.count < seriesLimit else {
          state.discarded += 1
          return nil
        }
      } else {
        guard state.metrics.count < metricLimit else {
          state.discarded += 1
          return nil
        }
        state.metrics[name] = Metric(kind: Series.kind)
      }
      let made = make()
      state.metrics[name]?.series[labels] = made
      return made
    }
  }

  private func forget(_ handler: AnyObject) {
    state.withLock { state in
      for (name, metric) in state.metrics {
        for (labels, series) in metric.series where series === handler {
          state.metrics[name]?.series[labels] = nil
          if state.metrics[name]?.series.isEmpty == true { state.metrics[name] = nil }
          return
        }
      }
    }
  }
}

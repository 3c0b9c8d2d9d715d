import CoreMetrics
import Synchronization

/// One metric with one set of labels: a handler that the metrics facade drives.
protocol PrometheusSeries: AnyObject, Sendable {
  /// The `TYPE` of the metric.
  static var kind: String { get }

  /// The sample lines of this series.
  func text(name: String, labels: String) -> String
}

/// A number that only grows.
final class PrometheusCounter: CounterHandler, FloatingPointCounterHandler, PrometheusSeries {
  static let kind = "counter"
  private let value = Mutex<Double>(0)

  func increment(by amount: Int64) { increment(by: Double(amount)) }

  /// Adds `amount`; a negative or undefined one would break the format's promise and is ignored.
  func increment(by amount: Double) {
    guard amount >= 0, amount.isFinite else { return }
    value.withLock { $0 += amount }
  }

  func reset() { value.withLock { $0 = 0 } }

  func text(name: String, labels: String) -> String {
    PrometheusText.sample(name, labels, PrometheusText.number(value.withLock { $0 }))
  }
}

/// A number that goes up and down.
final class PrometheusGauge: MeterHandler, RecorderHandler, PrometheusSeries {
  static let kind = "gauge"
  private let value = Mutex<Double>(0)

  func set(_ new: Int64) { set(Double(new)) }
  func set(_ new: Double) { value.withLock { $0 = new } }
  func increment(by amount: Double) { value.withLock { $0 += amount } }
  func decrement(by amount: Double) { value.withLock { $0 -= amount } }
  func record(_ new: Int64) { set(Double(new)) }
  func record(_ new: Double) { set(new) }

  func text(name: String, labels: String) -> String {
    PrometheusText.sample(name, labels, PrometheusText.number(value.withLock { $0 }))
  }
}

/// Observations counted in fixed buckets.
final class PrometheusHistogram: TimerHandler, RecorderHandler, PrometheusSeries {
  static let kind = "histogram"

  private struct State {
    var counts: [UInt64]
    var sum = 0.0
    var total: UInt64 = 0
  }

  private let bounds: [Double]
  private let state: Mutex<State>

  /// A histogram with these upper bounds, ascending; `+Inf` follows by itself.
  init(bounds: [Double]) {
    self.bounds = bounds
    state = Mutex(State(counts: Array(repeating: 0, count: bounds.count)))
  }

  func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
  func record(_ value: Int64) { record(Double(value)) }

  func record(_ value: Double) {
    guard !value.isNaN else { return }
    let bucket = bounds.firstIndex { value <= $0 }
    state.withLock { state in
      if let bucket { state.counts[bucket] += 1 }
      state.sum += value
      state.total += 1
    }
  }

  func text(name: String, labels: String) -> String {
    let state = state.withLock { $0 }
    let prefix = labels.isEmpty ? "" : labels + ","
    var out = ""
    var running: UInt64 = 0
    for (bound, count) in zip(bounds, state.counts) {
      running += count
      let label = "\(prefix)le=\"\(PrometheusText.number(bound))\""
      out += PrometheusText.sample("\(name)_bucket", label, String(running))
    }
    out += PrometheusText.sample("\(name)_bucket", "\(prefix)le=\"+Inf\"", String(state.total))
    out += PrometheusText.sample("\(name)_sum", labels, PrometheusText.number(state.sum))
    out += PrometheusText.sample("\(name)_count", labels, String(state.total))
    return out
  }
}

/// Takes what no series has room for.
final class DiscardedSeries: CounterHandler, FloatingPointCounterHandler, MeterHandler,
  RecorderHandler, TimerHandler
{
  func increment(by amount: Int64) {}
  func increment(by amount: Double) {}
  func decrement(by amount: Double) {}
  func set(_ value: Int64) {}
  func set(_ value: Double) {}
  func record(_ value: Int64) {}
  func record(_ value: Double) {}
  func recordNanoseconds(_ duration: Int64) {}
  func reset() {}
}

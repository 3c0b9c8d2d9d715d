import CoreMetrics
import TestSupport
import Testing

@testable import Binhost

/// The sample and comment lines without what the registry adds of itself.
private func lines(_ registry: PrometheusRegistry) -> [String] {
  registry.exposition().split(separator: "\n").map(String.init)
    .filter { !$0.contains("larder_metrics_discarded_total") }
}

@Test func counterIsPrintedWithTypeAndHelp() {
  let registry = PrometheusRegistry()
  registry.describe("blobs_total", "Blobs committed,\nwith a \\ and a line feed.")
  registry.makeCounter(label: "blobs_total", dimensions: []).increment(by: 3)
  #expect(
    lines(registry) == [
      #"# HELP blobs_total Blobs committed,\nwith a \\ and a line feed."#,
      "# TYPE blobs_total counter", "blobs_total 3",
    ])
}

@Test func labelValuesAreEscapedAndSorted() {
  let registry = PrometheusRegistry()
  let dimensions = [("peer", "a\\b\"c\nd"), ("by", "ü")]
  registry.makeCounter(label: "x", dimensions: dimensions).increment(by: 1)
  #expect(lines(registry).last == #"x{by="ü",peer="a\\b\"c\nd"} 1"#)
}

@Test(arguments: [
  ("a.b-c", "a_b_c"), ("9x", "_9x"), ("", "_"), ("ä", "_"), ("a:b", "a:b"),
  ("x{y=\"1\"} 5\n", "x_y__1___5_"),
])
func namesAreMadeValid(text: String, name: String) {
  #expect(PrometheusText.metricName(text) == name)
}

@Test func reservedLabelsAreRenamedAndDoublesDropped() {
  #expect(
    PrometheusText.labels([("le", "1"), ("__name__", "2"), ("a", "3"), ("a", "4")])
      == #"a="3",label___name__="2",label_le="1""#)
}

@Test func sameNameAndLabelsIsOneSeries() {
  let registry = PrometheusRegistry()
  registry.makeCounter(label: "x", dimensions: [("a", "1"), ("b", "2")]).increment(by: 1)
  registry.makeCounter(label: "x", dimensions: [("b", "2"), ("a", "1")]).increment(by: 2)
  #expect(lines(registry) == ["# TYPE x counter", #"x{a="1",b="2"} 3"#])
}

@Test func histogramBucketsAreCumulativeAndEndWithInfinity() {
  let registry = PrometheusRegistry()
  let recorder = registry.makeRecorder(label: "peers", dimensions: [("k", "v")], aggregate: true)
  for value in [1, 2, 5_000_000] as [Int64] { recorder.record(value) }
  let printed = lines(registry)
  #expect(printed[0] == "# TYPE peers histogram")
  #expect(printed[1] == #"peers_bucket{k="v",le="1"} 1"#)
  #expect(printed[2] == #"peers_bucket{k="v",le="3"} 2"#)
  #expect(printed.contains(#"peers_bucket{k="v",le="1000000"} 2"#))
  #expect(
    printed.suffix(3) == [
      #"peers_bucket{k="v",le="+Inf"} 3"#, #"peers_sum{k="v"} 5000003"#, #"peers_count{k="v"} 3"#,
    ])
}

@Test func timerIsInSecondsAndABoundIsInclusive() {
  let registry = PrometheusRegistry()
  registry.makeTimer(label: "t_seconds", dimensions: []).recordNanoseconds(1_000_000)
  #expect(lines(registry).contains(#"t_seconds_bucket{le="0.001"} 1"#))
  #expect(lines(registry).contains("t_seconds_sum 0.001"))
}

@Test func gaugeGoesUpAndDownAndPrintsSpecialNumbers() {
  let registry = PrometheusRegistry()
  let meter = registry.makeMeter(label: "m", dimensions: [])
  meter.set(2.5)
  meter.decrement(by: 3)
  #expect(lines(registry).last == "m -0.5")
  meter.set(Double.infinity)
  #expect(lines(registry).last == "m +Inf")
  meter.set(Double.nan)
  #expect(lines(registry).last == "m NaN")
  registry.makeRecorder(label: "r", dimensions: [], aggregate: false).record(Int64(7))
  #expect(lines(registry).suffix(2) == ["# TYPE r gauge", "r 7"])
}

@Test func counterNeverFalls() {
  let registry = PrometheusRegistry()
  let counter = registry.makeFloatingPointCounter(label: "c", dimensions: [])
  counter.increment(by: 2)
  counter.increment(by: -1)
  counter.increment(by: .nan)
  #expect(lines(registry).last == "c 2")
}

@Test func seriesBeyondTheBoundAreDiscardedAndCounted() {
  let registry = PrometheusRegistry(seriesLimit: 2, metricLimit: 2)
  for peer in ["a", "b", "c", "d"] {
    registry.makeCounter(label: "x", dimensions: [("peer", peer)]).increment(by: 1)
  }
  registry.makeMeter(label: "y", dimensions: []).set(Int64(1))
  registry.makeMeter(label: "z", dimensions: []).set(Int64(1))
  registry.makeMeter(label: "x", dimensions: []).set(Int64(1))
  #expect(lines(registry).count == 5)
  #expect(registry.exposition().hasSuffix("larder_metrics_discarded_total 4\n"))
}

@Test func destroyedSeriesDisappears() {
  let registry = PrometheusRegistry()
  let counter = registry.makeCounter(label: "x", dimensions: [])
  registry.destroyCounter(counter)
  #expect(lines(registry).isEmpty)
}

@Test func samplesOfOneMetricStandTogether() {
  let registry = PrometheusRegistry()
  for (name, value) in [("b", "1"), ("a", "1"), ("b", "0"), ("a", "0")] {
    registry.makeCounter(label: name, dimensions: [("v", value)]).increment(by: 1)
  }
  #expect(
    lines(registry) == [
      "# TYPE a counter", #"a{v="0"} 1"#, #"a{v="1"} 1"#, "# TYPE b counter", #"b{v="0"} 1"#,
      #"b{v="1"} 1"#,
    ])
  #expect(registry.exposition().hasSuffix("\n"))
}

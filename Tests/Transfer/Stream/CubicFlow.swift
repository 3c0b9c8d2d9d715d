import Wire

/// A flow that fills queues as TCP CUBIC (RFC 9438) does, as far as another flow can tell: windows and
/// packets only.
struct CubicFlow {
  static let packet = 1_472

  private var window = 10.0
  private var threshold = Double.infinity
  private var before = 0.0
  private var epoch: Instant?
  private var next = 0
  private var inFlight: [Int: Instant] = [:]
  private var highest = -1
  private var recoveryEnds = 0
  private var roundTrip = 0.05
  private(set) var acknowledged = 0
  var isRunning = false

  /// The packets that may leave now.
  mutating func packets(now: Instant) -> [Int] {
    guard isRunning else { return [] }
    var leaving: [Int] = []
    while Double(inFlight.count) < window {
      inFlight[next] = now
      leaving.append(next)
      next += 1
    }
    return leaving
  }

  mutating func arrived(_ number: Int, now: Instant) {
    guard let sentAt = inFlight.removeValue(forKey: number) else { return }
    acknowledged += 1
    roundTrip = 0.875 * roundTrip + 0.125 * (now - sentAt).inSeconds
    highest = max(highest, number)
    grow(now: now)
    guard number == highest else { return }
    var lost: [Int] = []
    // Numbers leave in order, and the path keeps the order.
    for old in inFlight.keys where old + 3 <= highest { lost.append(old) }
    guard !lost.isEmpty else { return }
    for number in lost { inFlight[number] = nil }
    guard let newest = lost.max(), newest >= recoveryEnds else { return }
    recoveryEnds = next
    before = window
    window = max(2, window * 0.7)
    threshold = window
    epoch = now
  }

  private mutating func grow(now: Instant) {
    guard window >= threshold, let epoch else {
      window += 1
      return
    }
    let scale = 0.4
    let turn = (before * 0.3 / scale).cubeRoot
    let elapsed = (now - epoch).inSeconds + roundTrip
    let wanted = scale * (elapsed - turn) * (elapsed - turn) * (elapsed - turn) + before
    window += min(0.5, max(0.01, (wanted - window) / window))
  }
}

extension Double {
  /// By Newton's method: the standard library has no cube root.
  fileprivate var cubeRoot: Double {
    guard self > 0 else { return 0 }
    var root = max(1, self / 3)
    for _ in 0..<60 { root -= (root * root * root - self) / (3 * root * root) }
    return root
  }
}

import Builder

/// Lines on their way to the gateway; when they come faster than they go, the oldest are dropped
/// and their number is told.
actor LineBuffer {
  private var lines: [String] = []
  private var dropped = 0

  func add(_ line: String) {
    lines.append(line)
    let surplus = lines.count - BuildLog.linesPerHeartbeat
    if surplus > 0 {
      lines.removeFirst(surplus)
      dropped += surplus
    }
  }

  func take() -> [String] {
    defer {
      lines = []
      dropped = 0
    }
    guard dropped > 0 else { return lines }
    return ["larder: \(dropped + 1) lines left out"] + lines.dropFirst()
  }
}

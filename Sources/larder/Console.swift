import Glibc
import Node
import Synchronization

/// What a command shows a person: progress bars on a terminal, plain lines otherwise.
///
/// Everything but results goes to standard error, so that results can be piped.
final class Console: Sendable {
  /// Whether standard error is a terminal.
  let isTerminal = isatty(STDERR_FILENO) == 1
  /// The task whose end was shown last, so that it is shown once.
  private let ended = Mutex("")

  /// One line for the user.
  func note(_ text: String) {
    write((isTerminal ? "\r\u{1B}[K" : "") + "larder: \(printable(text))\n")
  }

  /// The progress of long work: a bar that is drawn over, or a line at its end.
  func progress(_ progress: ControlEvent.Progress) {
    let task = printable(progress.task)
    let isEnd = progress.total > 0 && progress.done >= progress.total
    let isNews = ended.withLock { last in
      defer { last = isEnd ? task : "" }
      return !isEnd || last != task
    }
    guard isNews else { return }
    guard isTerminal else {
      if isEnd { write("larder: \(task): \(size(progress.total))\n") }
      return
    }
    guard progress.total > 0 else { return write("\r\u{1B}[K\(task) …") }
    let share = min(1, Double(progress.done) / Double(progress.total))
    let filled = Int(share * 24)
    let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 24 - filled)
    let end = isEnd ? "\n" : ""
    let counts = "\(size(progress.done)) of \(size(progress.total))"
    write("\r\u{1B}[K\(bar) \(Int(share * 100)) % \(task) \(counts)\(end)")
  }

  /// Ends a bar that was not drawn to its end.
  func finish() {
    if isTerminal { write("\r\u{1B}[K") }
  }

  private func size(_ bytes: UInt64) -> String {
    Program.size(bytes)
  }

  private func write(_ text: String) {
    _ = Array(text.utf8).withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }
}

/// Text from outside without characters that could rewrite the terminal: control characters, and
/// those that turn the direction of what follows.
func printable(_ text: String) -> String {
  var safe = String.UnicodeScalarView()
  for scalar in text.unicodeScalars {
    switch scalar.properties.generalCategory {
    case .control where scalar != "\n" && scalar != "\t": safe.append("?")
    case .format, .lineSeparator, .paragraphSeparator: safe.append("?")
    default: safe.append(scalar)
    }
  }
  return String(safe)
}

/// Columns of text, each as wide as its widest cell; the last column is left as it is.
func table(_ rows: [[String]]) -> String {
  var widths: [Int] = []
  for row in rows {
    for (column, cell) in row.enumerated() {
      if column == widths.count { widths.append(0) }
      widths[column] = max(widths[column], cell.count)
    }
  }
  var text = ""
  for row in rows {
    for (column, cell) in row.enumerated() {
      let isLast = column == row.count - 1
      text += isLast ? cell : cell + String(repeating: " ", count: widths[column] - cell.count + 2)
    }
    text += "\n"
  }
  return text
}

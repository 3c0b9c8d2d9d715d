import Emerge
import FoundationEssentials
import Glibc
import Trust

@testable import Node

/// A Portage helper that answers with a report written down before: a script of one line.
struct FakePortage {
  let program: String
  private let answer: String

  init(in scratch: Scratch) throws {
    program = "\(scratch.root)/larder-portage"
    answer = "\(scratch.root)/report.json"
    try AtomicFile.write(
      Array("#!/bin/sh\nexec cat '\(answer)'\n".utf8), to: program, mode: 0o755)
  }

  /// Answers every question with this report from now on.
  func answer(_ report: HelperReport) throws {
    try AtomicFile.write(Array(JSONEncoder().encode(report)), to: answer, mode: 0o644)
  }

  var helper: PortageHelper { PortageHelper(.init(program: program)) }
}

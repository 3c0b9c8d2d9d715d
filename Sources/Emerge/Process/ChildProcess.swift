import FoundationEssentials
import Subprocess
import SystemPackage

/// One program to run: its words, environment and directory.
struct ChildProcess: Sendable {
  /// The program, by name or path, and its arguments; not empty.
  var command: [String]
  /// Variables set over the inherited environment.
  var environment: [String: String] = [:]
  /// The inherited variables that it may see; nil for all.
  var keptVariables: Set<String>?
  /// Where it runs; nil for this process's directory.
  var directory: String?

  /// Why a program gave no usable answer.
  enum Failure: Error, Equatable {
    case notStarted(String)
    case timedOut(Duration)
    case outputTooLong(limit: Int)
  }

  /// What a program printed.
  struct Captured: Sendable {
    var status: ExitStatus
    var output: [UInt8]
    /// The last lines of standard error.
    var errors: [String]
  }

  /// Runs it to its end and returns what it printed.
  ///
  /// The whole process group is killed when time is up, when there is more output than `limit`
  /// bytes, and when the calling task is cancelled.
  func capture(limit: Int, within time: Duration) async throws -> Captured {
    try await deadline(time) {
      var output: [UInt8] = []
      var errors: [String] = []
      let result = try await start(output: .sequence, error: .sequence) { execution in
        async let tail = Self.tail(of: execution.standardError)
        let bytes = try await Self.collect(execution.standardOutput, limit: limit)
        return (bytes, try await tail)
      }
      (output, errors) = result.closureResult
      return Captured(status: Self.status(result.terminationStatus), output: output, errors: errors)
    }
  }

  /// Runs it to its end and hands over each line of both outputs as it comes; a slow `consume`
  /// slows the program.
  func follow(
    within time: Duration, consume: @Sendable (String) async throws -> Void
  ) async throws -> ExitStatus {
    try await withoutActuallyEscaping(consume) { consume in
      try await deadline(time) {
        let result = try await start(output: .sequence, error: .combinedWithOutput) { execution in
          var splitter = LineSplitter()
          for try await buffer in execution.standardOutput {
            for line in buffer.withUnsafeBytes({ splitter.append($0) }) { try await consume(line) }
          }
          if let line = splitter.finish() { try await consume(line) }
        }
        return Self.status(result.terminationStatus)
      }
    }
  }

  private func start<Result, Output: OutputProtocol, Errors: ErrorOutputProtocol>(
    output: Output, error: Errors,
    _ body: (Execution<NoInput, Output, Errors>) async throws -> Result
  ) async throws -> ExecutionResult<Result, Output, Errors> {
    var options = PlatformOptions()
    options.createSession = true
    options.teardownSequence = [
      .gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: .seconds(2)),
      .send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .milliseconds(100)),
    ]
    do {
      return try await Subprocess.run(
        configuration(options), input: .none, output: output, error: error, body: body)
    } catch let error as SubprocessError {
      throw translate(error)
    }
  }

  private func configuration(_ options: PlatformOptions) -> Configuration {
    let program = command.first ?? ""
    var overrides: [Environment.Key: String?] = [:]
    if let keptVariables {
      for name in ProcessInfo.processInfo.environment.keys where !keptVariables.contains(name) {
        if let key = Environment.Key(rawValue: name) { overrides.updateValue(nil, forKey: key) }
      }
    }
    for (name, value) in environment {
      if let key = Environment.Key(rawValue: name) { overrides[key] = value }
    }
    return Configuration(
      executable: program.contains("/") ? .path(FilePath(program)) : .name(program),
      arguments: Arguments(Array(command.dropFirst())),
      environment: .inherit.updating(overrides),
      workingDirectory: directory.map { FilePath($0) }, platformOptions: options)
  }

  private func translate(_ error: SubprocessError) -> any Error {
    Task.isCancelled ? CancellationError() : Failure.notStarted(Self.reason(error))
  }

  /// The library's sentence without its full stop: it becomes a part of ours.
  private static func reason(_ error: SubprocessError) -> String {
    let text = error.description
    return text.last == "." ? String(text.dropLast()) : text
  }

  private static func status(_ status: TerminationStatus) -> ExitStatus {
    switch status {
    case .exited(let code): .exited(code)
    case .signaled(let signal): .signaled(signal)
    }
  }

  private static func collect(
    _ stream: SubprocessOutputSequence, limit: Int
  ) async throws -> [UInt8] {
    var bytes: [UInt8] = []
    for try await buffer in stream {
      guard bytes.count + buffer.count <= limit else { throw Failure.outputTooLong(limit: limit) }
      buffer.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }
    return bytes
  }

  private static func tail(of stream: SubprocessOutputSequence) async throws -> [String] {
    var splitter = LineSplitter()
    var lines: [String] = []
    for try await buffer in stream {
      lines += buffer.withUnsafeBytes { splitter.append($0) }
      if lines.count > 40 { lines.removeFirst(lines.count - 40) }
    }
    if let line = splitter.finish() { lines.append(line) }
    return lines
  }
}

/// The result of `body`, or `timedOut` after cancelling it when time is up.
private func deadline<Value: Sendable>(
  _ time: Duration, _ body: @Sendable @escaping () async throws -> Value
) async throws -> Value {
  try await withThrowingTaskGroup(of: Value?.self) { group in
    group.addTask { try await body() }
    group.addTask {
      try await Task.sleep(for: time)
      return nil
    }
    defer { group.cancelAll() }
    let first = try await group.next() ?? nil
    guard let value = first else { throw ChildProcess.Failure.timedOut(time) }
    return value
  }
}

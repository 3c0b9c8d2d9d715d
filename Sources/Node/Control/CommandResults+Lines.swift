import Cloud
import Storage
import Trust
import Wire

extension InboxRow {
  init(_ notice: Notice) {
    self.init(
      package: notice.cpv, fingerprint: notice.fingerprint.hex, outcome: notice.outcome.rawValue,
      message: notice.message, time: notice.created.seconds)
  }

  /// One line for the user.
  public var line: String { "\(Timestamp(time)) \(package): \(outcome) \(message)" }
}

extension CollectReport {
  init(_ report: Collector.Report) {
    self.init(
      evicted: report.removed.count, freed: report.freed, used: report.used, quota: report.quota)
  }

  /// One line for the user.
  public var line: String {
    "\(evicted) blobs evicted, \(ByteCount(freed)) freed, \(ByteCount(used)) kept"
  }
}

extension PublishRow {
  init(_ outcome: PublishOutcome, file: String) {
    switch outcome {
    case .published(let signed, let cpv):
      self.init(
        package: cpv, file: file, outcome: .published,
        fingerprint: "\(signed.statement.fingerprint)")
    case .known(let cpv): self.init(package: cpv, file: file, outcome: .known)
    case .tooEarly(let refusals):
      self.init(file: file, outcome: .early, reasons: refusals.map(\.message))
    case .refused(let cpv, let refusals):
      self.init(package: cpv, file: file, outcome: .refused, reasons: refusals.map(\.message))
    case .unreadable(let path, let reason):
      self.init(file: path, outcome: .unreadable, reasons: [reason])
    }
  }

  /// One line for the user.
  public var line: String {
    let name = package ?? file ?? ""
    let why = reasons.joined(separator: "; ")
    return switch outcome {
    case .published: "\(name): published as \(fingerprint ?? "")"
    case .known: "\(name): published already"
    case .early: "\(name): not yet: \(why)"
    case .refused, .unreadable: "\(name): not published: \(why)"
    case .withdrawn: "\(name): withdrawn \(root ?? "")"
    case .unpublished: "\(name): this node published no build of it"
    case .foreign: "\(name): signed by another key, which alone can withdraw it"
    }
  }
}

extension RequestRow {
  init(_ status: PackageStatus) {
    self.init(
      package: status.cpv, fingerprint: status.fingerprint.map { "\($0)" },
      state: status.state.rawValue, worker: status.worker, message: status.message,
      log: status.state == .failed ? status.log.map { Array($0.suffix(40)) } : nil)
  }

  /// A line for the user, and the last lines of a failed build.
  public var line: String {
    var text = "\(package): \(state)"
    if let worker { text += " by \(worker)" }
    if let message, !message.isEmpty { text += ": \(message)" }
    for line in log ?? [] { text += "\n    | \(line)" }
    return text
  }
}

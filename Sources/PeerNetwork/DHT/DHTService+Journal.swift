import Cryptography
import DHT
import Logging
import Wire

/// Every step of the machine, written down if the owner wants a journal.
extension DHTService {
  /// The machine's settings for a role.
  static func machineSettings(_ settings: KademliaSettings, isSeeder: Bool) -> KademliaSettings {
    var settings = settings
    settings.provesReach = !isSeeder
    settings.keepsTrustedFromAfar = settings.keepsTrustedFromAfar || isSeeder
    return settings
  }

  /// Begins a journal; the machine must not have been given anything yet.
  func beginJournal(at path: String) {
    journal = JournalWriter(
      path: path, key: key, isSeeder: settings.role == .seeder, lookup: settings.kademlia.lookup)
    if journal == nil {
      log.error("dht journal not written", metadata: ["file": "\(path)"])
    } else {
      log.notice("dht journal begun", metadata: ["file": "\(path)"])
    }
  }

  /// Gives the machine a message.
  func step(receiving message: Message, from origin: Origin) -> [Action] {
    var (step, dice) = moment()
    let actions = machine.receive(
      message, from: origin, now: step.now, wall: step.wall, using: &dice)
    journal?.append(.received(message, origin), step, actions)
    return actions
  }

  /// Lets the machine do what is due.
  func tick() -> [Action] {
    var (step, dice) = moment()
    let actions = machine.tick(now: step.now, wall: step.wall, using: &dice)
    journal?.append(.ticked, step, actions)
    journal?.flush()
    endJournalIfOver()
    return actions
  }

  /// Says once that a journal has ended: what is asked of a node after that can't be repeated.
  private func endJournalIfOver() {
    guard let end = journal?.end else { return }
    log.warning("dht journal ended", metadata: ["reason": "\(end)"])
    journal = nil
  }

  /// Lets the machine begin to go.
  func beginLeaving() -> [Action] {
    var (step, dice) = moment()
    let actions = machine.leave(now: step.now, wall: step.wall, using: &dice)
    journal?.append(.leaves, step, actions)
    return actions
  }

  /// Begins a request.
  func begin(_ request: Request) -> (RequestID, [Action]) {
    var (step, dice) = moment()
    var request = request
    if let journal, case .get(let keys, let kind, let issuers, let accept) = request {
      request = .get(
        keys: keys, kind: kind, issuers: issuers, accept: journal.verdicts.noting(accept))
    }
    let (id, actions) = machine.begin(request, now: step.now, wall: step.wall, using: &dice)
    journal?.began(id)
    journal?.append(.begun(request), step, actions)
    return (id, actions)
  }

  /// Forgets a request whose caller is gone.
  func cancel(_ id: RequestID) {
    machine.cancel(id)
    note(.cancelled(id))
  }

  /// Writes down what was changed outside a step.
  func note(_ input: JournalInput) {
    journal?.append(input, moment().step, [])
  }

  private func moment() -> (step: JournalStep, dice: OneNumber) {
    let number = random.next()
    return (
      JournalStep(now: now, wall: wallClock(), random: number), OneNumber(number: number)
    )
  }
}

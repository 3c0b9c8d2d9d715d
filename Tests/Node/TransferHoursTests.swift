import Node
import Testing
import Wire

@Suite struct TransferHoursTests {
  private func read(_ schedule: String) throws(ConfigurationError) -> Configuration.Transfer {
    let yaml = "fetch:\n  limit-down: 5MB\n  schedule: [\(schedule)]\n"
    return try Configuration(yaml: yaml, file: "larder.yaml").transfer
  }

  private func message(_ schedule: String) -> String {
    do throws(ConfigurationError) {
      _ = try read(schedule)
      return "no error"
    } catch {
      return error.description
    }
  }

  @Test func hoursHoldOnTheirDaysAndNotAtTheirEnd() throws {
    let transfer = try read(
      "{days: mon-fri, from: \"08:00\", to: \"18:30\", limit-down: 1MB, limit-up: 100kB}")
    let working = TransferRules(
      limitDown: ByteCount(1_000_000), limitUp: ByteCount(100_000), isMetered: false)
    let other = TransferRules(limitDown: ByteCount(5_000_000), limitUp: nil, isMetered: false)
    #expect(transfer.rules(on: .monday, minute: 8 * 60) == working)
    #expect(transfer.rules(on: .friday, minute: 18 * 60 + 29) == working)
    #expect(transfer.rules(on: .friday, minute: 18 * 60 + 30) == other)
    #expect(transfer.rules(on: .monday, minute: 8 * 60 - 1) == other)
    #expect(transfer.rules(on: .saturday, minute: 12 * 60) == other)
  }

  @Test func hoursPastMidnightBelongToTheDayOnWhichTheyBegin() throws {
    let transfer = try read("{days: sun, from: \"22:00\", to: \"06:00\", metered: yes}")
    #expect(transfer.rules(on: .sunday, minute: 22 * 60).isMetered)
    #expect(transfer.rules(on: .monday, minute: 6 * 60 - 1).isMetered)
    #expect(!transfer.rules(on: .monday, minute: 6 * 60).isMetered)
    #expect(!transfer.rules(on: .sunday, minute: 3 * 60).isMetered)
  }

  @Test func firstHoursThatHoldDecide() throws {
    let transfer = try read(
      "{days: [sat, sun], limit-down: unlimited}, {limit-down: 1MB, metered: yes}")
    #expect(transfer.rules(on: .sunday, minute: 0).limitDown == nil)
    #expect(!transfer.rules(on: .sunday, minute: 1_439).isMetered)
    #expect(transfer.rules(on: .monday, minute: 0).limitDown == ByteCount(1_000_000))
    #expect(transfer.rules(on: .monday, minute: 1_439).isMetered)
  }

  @Test func daysMayRunOverTheEndOfTheWeek() throws {
    let transfer = try read("{days: sat-mon, metered: yes}")
    let metered = TransferHours.Day.allCases.filter {
      transfer.rules(on: $0, minute: 720).isMetered
    }
    #expect(metered == [.monday, .saturday, .sunday])
  }

  @Test(arguments: TransferHours.Day.allCases)
  func everyMinuteIsInHoursOrInTheirComplement(day: TransferHours.Day) throws {
    for (from, to) in [("00:00", "24:00"), ("09:15", "17:45"), ("23:59", "00:01")] {
      let one = try read("{from: \"\(from)\", to: \"\(to)\", metered: yes}")
      guard to != "24:00" else {
        #expect((0..<1_440).allSatisfy { one.rules(on: day, minute: $0).isMetered })
        continue
      }
      let other = try read("{from: \"\(to)\", to: \"\(from)\", metered: yes}")
      for minute in 0..<1_440 {
        let isInOne = one.rules(on: day, minute: minute).isMetered
        #expect(isInOne != other.rules(on: day, minute: minute).isMetered)
      }
    }
  }

  @Test(arguments: [
    ("{days: noon}", "write days like mon, sat or mon-fri"),
    ("{days: mon-tue-wed}", "write days like"), ("{days: -}", "write days like"),
    ("{from: \"8\"}", "give the hour and minute"), ("{to: \"24:01\"}", "give the hour"),
    ("{from: \"24:00\"}", "must be before 24:00"), ("{to: \"-1:00\"}", "give the hour"),
    ("{limit-up: 1kB}", "below 16 KiB"), ("{until: \"08:00\"}", "unknown key"),
  ])
  func unreadableHoursSayWhatToWrite(schedule: String, hint: String) {
    #expect(message(schedule).contains(hint), "\(message(schedule))")
  }
}

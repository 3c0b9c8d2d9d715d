import TestSupport
import Testing

@testable import Binhost

@Test(arguments: [
  ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777 as Int64), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
  ("Tue, 29 Feb 2028 23:59:59 GMT", 1_835_481_599),
])
func datesAreThoseOfTheRFC(text: String, seconds: Int64) {
  #expect(HTTPDate.seconds(text) == seconds)
  #expect(HTTPDate.text(seconds) == text)
}

@Test func everyDayReadsBack() {
  for day in stride(from: 0 as Int64, to: 60_000, by: 7) {
    let time = day * 86_400 + day % 86_400
    #expect(HTTPDate.seconds(HTTPDate.text(time)) == time)
  }
}

@Test(arguments: [
  "", "now", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 24:00:00 GMT",
  "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT",
  "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 06 Nov -994 08:49:37 GMT",
])
func otherDatesAreIgnored(text: String) {
  #expect(HTTPDate.seconds(text) == nil)
}

@Test(arguments: [
  ("bytes=0-0", ByteRange.part(0..<1)), ("bytes=3-", .part(3..<10)), ("bytes=-4", .part(6..<10)),
  ("bytes=-40", .part(0..<10)), ("bytes=5-500", .part(5..<10)), ("bytes=10-", .unsatisfiable),
  ("bytes=-0", .unsatisfiable), ("bytes=0-1,3-4", .whole), ("bytes=5-4", .whole),
  ("bytes=-", .whole), ("items=0-1", .whole), ("bytes=a-b", .whole), ("bytes=+1-2", .whole),
  ("bytes=99999999999999999999-", .whole),
])
func rangesAreThoseOfTheRFC(header: String, range: ByteRange) {
  #expect(ByteRange(header, size: 10) == range)
}

@Test func escapesAreDecodedOnce() {
  #expect(BinhostResponder.decoded("a%2Bb%252f") == "a+b%2f")
  #expect(BinhostResponder.decoded("a%2") == nil)
  #expect(BinhostResponder.decoded("a%zz") == nil)
  #expect(BinhostResponder.decoded("%ff") == nil)
}

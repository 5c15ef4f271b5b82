/**
 * Names of the IANA database that JavaScript knows only as other names of a zone: it takes them in any case, and answers with another name,
 * so that nothing but a list tells how they are written. Those it answers with itself need no list.
 */
const OTHER_NAMES: readonly (readonly [area: string, names: string])[] = [
  ["", "CET CST6CDT Cuba EET EST EST5EDT Egypt Eire GB GB-Eire GMT GMT+0 GMT-0 GMT0 Greenwich HST"],
  ["", "Hongkong Iceland Iran Israel Jamaica Japan Kwajalein Libya MET MST MST7MDT NZ NZ-CHAT Navajo"],
  ["", "PRC PST8PDT Poland Portugal ROC ROK Singapore Turkey UCT UTC Universal W-SU WET Zulu"],
  ["Africa/", "Asmara Asmera Timbuktu"],
  ["America/", "Argentina/Buenos_Aires Argentina/Catamarca Argentina/ComodRivadavia Argentina/Cordoba"],
  ["America/", "Argentina/Jujuy Argentina/Mendoza Atikokan Atka Buenos_Aires Catamarca Coral_Harbour Cordoba"],
  ["America/", "Ensenada Fort_Wayne Godthab Indiana/Indianapolis Indianapolis Jujuy Kentucky/Louisville Knox_IN"],
  ["America/", "Louisville Mendoza Montreal Nipigon Nuuk Pangnirtung Porto_Acre Rainy_River Rosario"],
  ["America/", "Santa_Isabel Shiprock Thunder_Bay Virgin Yellowknife"],
  ["Antarctica/", "South_Pole"],
  ["Asia/", "Ashkhabad Calcutta Choibalsan Chongqing Chungking Dacca Harbin Ho_Chi_Minh Istanbul Kashgar"],
  ["Asia/", "Kathmandu Katmandu Kolkata Macao Rangoon Saigon Tel_Aviv Thimbu Ujung_Pandang Ulan_Bator Yangon"],
  ["Atlantic/", "Faeroe Faroe Jan_Mayen"],
  ["Australia/", "ACT Canberra Currie LHI NSW North Queensland South Tasmania Victoria West Yancowinna"],
  ["Brazil/", "Acre DeNoronha East West"],
  ["Canada/", "Atlantic Central Eastern Mountain Newfoundland Pacific Saskatchewan Yukon"],
  ["Chile/", "Continental EasterIsland"],
  ["Etc/", "GMT GMT+0 GMT+1 GMT+10 GMT+11 GMT+12 GMT+2 GMT+3 GMT+4 GMT+5 GMT+6 GMT+7 GMT+8 GMT+9 GMT-0"],
  ["Etc/", "GMT-1 GMT-10 GMT-11 GMT-12 GMT-13 GMT-14 GMT-2 GMT-3 GMT-4 GMT-5 GMT-6 GMT-7 GMT-8 GMT-9 GMT0"],
  ["Etc/", "Greenwich UCT UTC Universal Zulu"],
  ["Europe/", "Belfast Kiev Kyiv Nicosia Tiraspol Uzhgorod Zaporozhye"],
  ["Mexico/", "BajaNorte BajaSur General"],
  ["Pacific/", "Chuuk Enderbury Johnston Kanton Pohnpei Ponape Samoa Truk Yap"],
  ["US/", "Alaska Aleutian Arizona Central East-Indiana Eastern Hawaii Indiana-Starke Michigan Mountain"],
  ["US/", "Pacific Samoa"],
];

const KNOWN: ReadonlySet<string> = new Set(
  OTHER_NAMES.flatMap(([area, names]) => names.split(" ").map((name) => area + name)),
);

/** @returns whether the name of a zone is written as the IANA database has it, given the name by which JavaScript answers to it. */
export function isZoneName(name: string, answered: string): boolean {
  return name === answered || KNOWN.has(name);
}

// Words that Math-Verify takes for a unit, and drops from the end of LaTeX. Some are letters, or no units at all ("east", "o").
const WORDS =
  "ab,acre,am,apple,are,bc,by,c,cc,cent,children ticket,cm,cm 2,coin,cu cm,cu . m,cube,cubic,d,day,decrease,deg,degree,digit,dm," +
  "east,edge,excess,feet,ft,g,gain,gal,gallon,gm,h,hectare,hour,hr,inch,inches,increase,integerpoint,kg,km,kmh,kmph,l,lb,less," +
  "liter,litre,loss,lt,m,m east,m square,man,mark,meal,men,meter,metre,mile,min,minute,minw,mm,monkey,month,more,mp,mph,mt,mtr," +
  "multiple,no change,noon,number,o,ohm,per,pi sq m,pie,pm,pound,prime,profit,profit of rs,pure,ratio,rd,rise,rounds,rs," +
  "rupee,s,sec,second,soldier,sq,sq inch,sq m,sq . m,square,st,student,sue,Surface,t,th,tile,toy,unit,way,west,woman,women," +
  "yard,year,yr,q .,a .,b .,c .,d .,e .,f .,g .,h .,s .,rs .,p . m,a . m,° f,π r 2,∏ cm ³";

/** After a digit, a brace or a space, which is group 1. */
export const UNIT_AT_END = new RegExp(`(\\d|\\}|\\s)\\s*(?:${WORDS.split(",").join("|")})(?:s|es)?\\s*$`);
